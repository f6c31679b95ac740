import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compress } from '../../../exporter/commands/compress.ts';
import { preprocessingOf } from '../../../exporter/pipeline/prepare.ts';
import { asImageInput } from '../../../exporter/reading/image-input.ts';
import { openSession, type RunTensor } from '../../../inference/session.ts';
import { encodeModel, writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';
import { colourClassifier } from '../../support/colour-classifier.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { bytesIn, channelsLast, twoInputs } from '../../support/networks/forms.ts';
import { wavyImages } from '../../support/networks/images.ts';
import { REFUSED_INPUTS } from '../../support/networks/variants.ts';

async function run(model: Model, tensor: RunTensor): Promise<unknown> {
  const session = await openSession(encodeModel(model));
  try {
    return (await session.run({ [session.input.name]: tensor }))[session.output.name]?.data;
  } finally {
    await session.close();
  }
}

const planes = Float32Array.from({ length: 3 * 64 }, (_, i) => (i * 37) % 256);
const last = Float32Array.from({ length: 3 * 64 }, (_, i) => planes[(i % 3) * 64 + Math.floor(i / 3)]!);
const image = { type: 'float32', dims: [1, 3, 8, 8], data: planes } as const;

describe('asImageInput', () => {
  it('gives a model of channels last planes, without a Transpose more', async () => {
    const plain = colourClassifier();
    const given = channelsLast(plain);
    const { model, changed, wantsBytes } = asImageInput(given);
    expect({ changed, wantsBytes }).toEqual({ changed: true, wantsBytes: false });
    expect(model.graph.nodes.map(({ opType }) => opType)).toEqual(plain.graph.nodes.map(({ opType }) => opType));
    const expected = await run(given, { type: 'float32', dims: [1, 8, 8, 3], data: last });
    expect(await run(model, image)).toEqual(expected);
  });

  it('gives who reads channels last what it reads', async () => {
    const given = channelsLast(colourClassifier());
    const [transpose, ...nodes] = given.graph.nodes;
    const doubled = {
      ...transpose!,
      name: 'double',
      opType: 'Add',
      inputs: ['image', 'image'],
      outputs: ['twice'],
      attributes: {},
    };
    const chained = {
      ...given,
      graph: { ...given.graph, nodes: [doubled, { ...transpose!, inputs: ['twice'] }, ...nodes] },
    };
    const { model } = asImageInput(chained);
    const expected = await run(chained, { type: 'float32', dims: [1, 8, 8, 3], data: last });
    expect(await run(model, image)).toEqual(expected);
  });

  it('takes a Cast from bytes away', async () => {
    const given = channelsLast(bytesIn(colourClassifier()));
    const { model, wantsBytes } = asImageInput(given);
    expect(wantsBytes).toBe(true);
    const expected = await run(given, { type: 'uint8', dims: [1, 8, 8, 3], data: Uint8Array.from(last) });
    expect(await run(model, image)).toEqual(expected);
  });

  /** Channels last, with a normalisation of one number a channel before the planes. */
  const normalised = (model: Model): Model => {
    const given = channelsLast(model);
    const [transpose, ...nodes] = given.graph.nodes;
    const constant = (dims: number[], ...values: number[]) => float32Tensor(dims, Float32Array.from(values));
    const step = (opType: string, inputs: string[], output: string) =>
      ({ name: output, opType, domain: '', inputs, outputs: [output], attributes: {} }) as const;
    const initializers = new Map(given.graph.initializers)
      .set('average', constant([3], 10, 20, 30))
      .set('gain', constant([1, 1, 1, 3], 2, 3, 4));
    const first = [step('Sub', ['image', 'average'], 'centred'), step('Mul', ['gain', 'centred'], 'scaled')];
    return {
      ...given,
      graph: { ...given.graph, initializers, nodes: [...first, { ...transpose!, inputs: ['scaled'] }, ...nodes] },
    };
  };

  it.each<[string, (model: Model) => Model, 'uint8' | 'float32']>([
    ['cast, scaled, turned', (model) => bytesIn(channelsLast(model)), 'uint8'],
    ['cast, normalised by channel, turned', (model) => bytesIn(normalised(model)), 'uint8'],
    ['normalised by channel in float, turned', normalised, 'float32'],
    ['turned, cast, scaled', (model) => channelsLast(bytesIn(model)), 'uint8'],
  ])('takes every order of what comes first, without a Transpose: %s', async (_, form, dtype) => {
    const given = form(colourClassifier());
    const { model, changed, wantsBytes } = asImageInput(given);
    expect({ changed, wantsBytes }).toEqual({ changed: true, wantsBytes: dtype === 'uint8' });
    expect(model.graph.inputs[0]).toMatchObject({ dtype: 'float32', shape: ['N', 3, 8, 8] });
    expect(model.graph.nodes.map(({ opType }) => opType)).not.toContain('Transpose');
    const data = dtype === 'uint8' ? Uint8Array.from(last) : last;
    const expected = await run(given, { type: dtype, dims: [1, 8, 8, 3], data } as RunTensor);
    expect(await run(model, image)).toEqual(expected);
  });

  it('leaves other inputs alone', () => {
    for (const model of [colourClassifier(), twoInputs(colourClassifier())]) {
      expect(asImageInput(model)).toEqual({ model, changed: false, wantsBytes: false });
    }
  });
});

it('feeds a model that wants bytes the bytes, and refuses to normalise them', () => {
  const input = { name: 'image', type: 'float32', shape: ['N', 3, 32, 32] };
  expect(preprocessingOf(input, {}, true)).toMatchObject({ mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });
  expect(() => preprocessingOf(input, { normalize: 'imagenet' }, true)).toThrow(/takes bytes/);
  const noted = new Map([['wayside.normalize', '0.5,0.5,0.5/0.5,0.5,0.5']]);
  expect(preprocessingOf(input, {}, true, noted)).toMatchObject({ mean: [0, 0, 0] });
  expect(preprocessingOf(input, {}, false, noted)).toMatchObject({ mean: [0.5, 0.5, 0.5] });
});

describe('compress refuses', () => {
  const folder = temporaryFolder();
  it.each(Object.entries(REFUSED_INPUTS))('%s', async (name, [build, message]) => {
    const path = join(folder(), `${name}.onnx`);
    await writeModel(await build(), path);
    const data = { train: wavyImages(4, 64), test: wavyImages(4, 64) };
    const attempt = compress({ model: path, data, out: join(folder(), 'out') });
    await expect(attempt).rejects.toMatchObject({
      code: 'PREPROCESS_MISMATCH',
      message: expect.stringMatching(message),
    });
  });
});
