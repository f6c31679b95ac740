import { describe, expect, it } from 'vitest';
import { type Config, configSchema } from '../../../daemon/config/schema.ts';
import type { Outcome } from '../../../daemon/inference/pair-listeners.ts';
import type { Result } from '../../../daemon/inference/protocol.ts';
import { BlockBuilder } from '../../../daemon/trial/block-builder.ts';
import { BoxComparison } from '../../../daemon/trial/box-comparison.ts';
import type { BlockMessage } from '../../../daemon/trial/comparison.ts';
import { matchedBoxes } from '../../../daemon/trial/matched-boxes.ts';
import { fromDaemon } from '../../../deploy/trial/protocol.ts';

type Found = NonNullable<Result['objects']>[number];

const LABELS = ['car', 'truck', 'bird'];
const CAMERA = {
  id: 'north',
  url: 'rtsp://127.0.0.1/none',
  lines: [{ id: 'gate', from: [0.1, 0.5], to: [0.9, 0.5] }],
};
const configOf = (cameras: readonly object[]): Config =>
  configSchema.parse({ site: 's', box: 'b', mqtt: { url: 'mqtt://127.0.0.1' }, model: { package: 'p' }, cameras });
const CONFIG = configOf([CAMERA]);
const config = (): Config => CONFIG;

function outcome(objects: readonly Found[] | undefined, labels = LABELS): Outcome {
  return {
    ready: {
      type: 'ready',
      model: { name: 'm', version: '1', digest: 'sha256:0' },
      labels,
      execution: { provider: 'cpu', reason: null, threads: 1 },
      task: 'detector',
      purpose: null,
      counting: null,
      thresholds: { score: 0.3 },
      runtime: '1',
      loadMs: 1,
    },
    result: objects && { type: 'result', id: 1, preprocessMs: 1, runMs: 4, regions: [], objects: [...objects] },
  };
}

const car = (x: number, y = 0.4, score = 0.9): Found => [x, y, 0.1, 0.1, 0, score];

/** One block of pairs of what the running model and the candidate found, 100 ms apart. */
function blockOf(pairs: readonly (readonly [Outcome, Outcome])[], settings = config): BlockMessage {
  const builder = new BlockBuilder({ least: pairs.length, most: pairs.length }, new BoxComparison(settings), 0);
  let block: BlockMessage | undefined;
  for (const [at, [running, candidate]] of pairs.entries()) {
    const frame = { camera: 'north', frame: { width: 200, height: 100, capturedAt: 1000 + at * 100, lagMs: null } };
    block = builder.add({ frame, running, candidate }, 'shadow', at * 100);
  }
  if (block === undefined) throw new Error('no block');
  expect(fromDaemon.safeParse({ v: 1, type: 'block', trial: 't', index: 0, block }).error).toBeUndefined();
  return block;
}

describe('a block of two detectors', () => {
  it('that find the same shows no difference, whatever the order and the numbers of their classes', () => {
    const found = [car(0.1), car(0.5, 0.4, 0.8)];
    const renamed = found.map(([x, y, w, h, , score]): Found => [x, y, w, h, 1, score]).toReversed();
    const block = blockOf([[outcome(found), outcome(renamed, ['bird', 'car', 'truck'])]]);
    expect(block).toMatchObject({
      boxes: { old: 2, candidate: 2, matched: 2 },
      ...{ disagreement: 0, scoreDrift: 0, classShift: { car: 0 }, lines: { 'north/gate': { old: 0, candidate: 0 } } },
    });
  });

  it('pairs boxes of one class that overlap by half, and takes scores of pairs', () => {
    const old = [car(0.1), car(0.5), [0.7, 0.4, 0.1, 0.1, 1, 0.9] satisfies Found];
    // Overlaps of 9/11, of 1/3, and of another class.
    const candidate = [car(0.11, 0.4, 0.7), car(0.55), car(0.7)];
    const block = blockOf([[outcome(old), outcome(candidate)]]);
    expect(block.boxes).toEqual({ old: 3, candidate: 3, matched: 1 });
    expect(block.disagreement).toBeCloseTo(1 - 1 / 5, 12);
    expect(block.scoreDrift).toBeCloseTo(-0.2, 12);
    expect(block.classShift).toEqual({ car: 1 / 3, truck: -1 / 3 });
  });

  it('leaves out what is not reported: below the threshold, or of no counted class', () => {
    const block = blockOf([[outcome([car(0.1, 0.4, 0.29), [0.5, 0.4, 0.1, 0.1, 2, 0.9]]), outcome([])]]);
    expect(block).toMatchObject({ boxes: { old: 0, candidate: 0, matched: 0 }, classShift: {}, disagreement: 0 });
  });

  it('counts what crosses a line by both, on the frames that both analysed', () => {
    // A car drives down past the line while the candidate sees another one that stays above it.
    const pairs = Array.from(
      { length: 40 },
      (_, at) => [outcome([car(0.4, 0.2 + at * 0.01)]), outcome([car(0.4, 0.2)])] as const,
    );
    expect(blockOf(pairs).lines).toEqual({ 'north/gate': { old: 1, candidate: 0 } });
    const failing = pairs.map(([running], at) => [running, at < 39 ? outcome(undefined) : running] as const);
    expect(blockOf(failing)).toMatchObject({
      candidate: { failed: 39 },
      lines: { 'north/gate': { old: 0, candidate: 0 } },
      boxes: { old: 1, candidate: 1, matched: 1 },
    });
  });

  it('says nothing of lines where none is drawn, and of no more than the protocol takes', () => {
    const bare = () => configOf([{ ...CAMERA, lines: [] }]);
    expect(blockOf([[outcome([]), outcome([])]], bare).lines).toBeUndefined();
    const cameras = Array.from({ length: 8 }, (_, camera) => ({
      ...CAMERA,
      id: `camera-${camera}`,
      lines: Array.from({ length: 64 }, (_, line) => ({ ...CAMERA.lines[0], id: `line-${line}` })),
    }));
    const { lines } = blockOf([[outcome([]), outcome([])]], () => configOf(cameras));
    expect(Object.keys(lines ?? {})).toHaveLength(200);
  });

  it('is longer where what is seen stays longer', () => {
    const lengthOf = (stays: number): number => {
      const builder = new BlockBuilder({ least: 10, most: 2000 }, new BoxComparison(config), 0);
      let length = 0;
      for (let at = 0; at < 4000; at++) {
        // Pseudorandom, and the same for `stays` frames.
        const cars = (Math.imul(Math.floor(at / stays) + 1, 0x9e3779b1) >>> 28) % 4;
        const seen = outcome(Array.from({ length: cars }, (_, i) => car(i * 0.2)));
        const frame = { camera: 'north', frame: { width: 200, height: 100, capturedAt: at * 100, lagMs: 0 } };
        length = builder.add({ frame, running: seen, candidate: seen }, 'shadow', at)?.frames ?? length;
      }
      return length;
    };
    expect(lengthOf(20)).toBeGreaterThan(2 * lengthOf(2));
  });
});

it('each box is in one pair, with the one that it overlaps most', () => {
  const box = (x: number) => ({ box: [x, 0, 0.1, 0.1] as const, class: 'car', score: 0.5 });
  const [a, b, between] = [box(0), box(0.04), box(0.03)];
  expect(matchedBoxes([a, b], [between])).toEqual([[b, between]]);
  expect(matchedBoxes([between], [a, b])).toEqual([[between, b]]);
  expect(matchedBoxes([], [a])).toEqual([]);
});
