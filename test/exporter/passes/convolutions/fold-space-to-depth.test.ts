import { describe, expect, test } from 'vitest';
import { foldSpaceToDepth } from '../../../../exporter/passes/convolutions/fold-space-to-depth.ts';
import { largestDifference } from '../../../../exporter/verify/parity.ts';
import { int } from '../../../../onnx/attributes.ts';
import type { Model } from '../../../../onnx/graph.ts';
import { runPasses } from '../../../../onnx/pass.ts';
import { NetworkBuilder } from '../../networks.ts';
import { noise, operatorsOf, outputOf } from '../../run.ts';

const TO_THE_END = 2 ** 31 - 1;

interface Focus {
  readonly step?: number;
  readonly side?: number;
  /** Rows and columns that the slices begin at. */
  readonly offsets?: readonly (readonly [number, number])[];
  readonly end?: number;
  readonly stride?: number;
  /** The sorted pixels are an output too. */
  readonly seen?: boolean;
}

const FOUR = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const;

/** As YOLOX is exported: rows are sliced, then columns, the four parts joined, a convolution over them. */
function focus({ step = 2, side = 12, offsets = FOUR, end = TO_THE_END, stride = 1, seen = false }: Focus = {}): Model {
  const b = new NetworkBuilder('focus');
  const image = b.input('image', 'float32', ['N', 3, side, side]);
  const slice = (x: string, axis: number, start: number): string =>
    b.node('Slice', [
      x,
      b.integers('start', [start]),
      b.integers('end', [end]),
      b.integers('axis', [axis]),
      b.integers('step', [step]),
    ])[0];
  const parts = offsets.map(([row, column]) => slice(slice(image, 2, row), 3, column));
  const [sorted] = b.node('Concat', parts, { axis: int(1) });
  const [y] = b.node('Identity', [b.convolution(sorted, 3 * parts.length, 4, { stride })], {}, { outputs: ['y'] });
  b.output(y, 'float32', null);
  if (seen) b.output(sorted, 'float32', null);
  return b.build({ opset: 13, irVersion: 7 });
}

async function expectFolded(model: Model, side: number): Promise<void> {
  const folded = await runPasses(model, [foldSpaceToDepth]);
  expect(operatorsOf(folded)).toEqual(['Conv', 'Identity']);
  const input = noise([2, 3, side, side]);
  expect(largestDifference(await outputOf(model, input), await outputOf(folded, input))).toBeLessThan(1e-5);
  expect(await runPasses(folded, [foldSpaceToDepth])).toEqual(folded);
}

describe('pixels sorted into channels become a wider convolution', () => {
  test('in any order, at any stride', async () => {
    await expectFolded(focus(), 12);
    await expectFolded(focus({ stride: 2 }), 12);
    await expectFolded(focus({ offsets: FOUR.toReversed() }), 12);
    const nine = Array.from({ length: 9 }, (_, i) => [i % 3, Math.floor(i / 3)] as const);
    await expectFolded(focus({ step: 3, offsets: nine }), 12);
  });

  test('also by SpaceToDepth', async () => {
    const b = new NetworkBuilder('depth');
    const image = b.input('image', 'float32', ['N', 3, 8, 8]);
    const [sorted] = b.node('SpaceToDepth', [image], { blocksize: int(2) });
    const [y] = b.node('Identity', [b.convolution(sorted, 12, 4)], {}, { outputs: ['y'] });
    b.output(y, 'float32', null);
    await expectFolded(b.build({ opset: 13, irVersion: 7 }), 8);
  });

  test.each([
    [
      'an odd side, whose slices differ in size',
      focus({
        side: 13,
        offsets: [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      }),
    ],
    ['slices that end inside the image', focus({ end: 10 })],
    [
      'fewer slices than pixels',
      focus({
        offsets: [
          [0, 0],
          [1, 1],
        ],
      }),
    ],
    ['sorted pixels that are an output', focus({ seen: true })],
  ])('not for %s', async (_, model) => {
    expect(await runPasses(model, [foldSpaceToDepth])).toEqual(model);
  });
});
