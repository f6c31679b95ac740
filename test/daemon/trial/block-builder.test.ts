import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import type { Outcome } from '../../../daemon/inference/pair-listeners.ts';
import { BlockBuilder } from '../../../daemon/trial/block-builder.ts';
import type { BlockMessage } from '../../../daemon/trial/comparison.ts';
import { RegionComparison } from '../../../daemon/trial/region-comparison.ts';
import { fromDaemon, LONGEST_LINE_BYTES } from '../../../deploy/trial/protocol.ts';

const LABELS = ['car', 'truck', 'bus'];
const frame = { camera: 'north' };

/** One region a class; null: below its threshold. Undefined: the frame could not be analysed. */
function outcome(
  classes: readonly (number | null)[] | undefined,
  { score = 0.9, runMs = 4, labels = LABELS }: { score?: number; runMs?: number; labels?: string[] } = {},
): Outcome {
  const regions = (classes ?? []).map((index) => (index === null ? [] : [{ index, score }]));
  const model = { name: 'm', version: '1', digest: 'sha256:0' };
  return {
    ready: {
      type: 'ready',
      model,
      labels,
      execution: { provider: 'cpu', reason: null, threads: 1 },
      task: 'classification',
      purpose: null,
      counting: null,
      thresholds: { score: 0 },
      runtime: '1',
      loadMs: 1,
    },
    result: classes && { type: 'result', id: 1, preprocessMs: 1, runMs, regions },
  };
}

/** Blocks of `size` frames, from pairs of the running model's and the candidate's outcomes, 40 ms apart. */
function blocksOf(size: number, pairs: readonly (readonly [running: Outcome, candidate: Outcome])[]): BlockMessage[] {
  const builder = new BlockBuilder({ least: size, most: size }, new RegionComparison(), 0);
  return pairs
    .map(([running, candidate], at) => builder.add({ frame, running, candidate }, 'shadow', (at + 1) * 40))
    .filter((block) => block !== undefined);
}

describe('a block', () => {
  it('of two models that answer alike shows no difference, and what each took', () => {
    const pair = [outcome([0, 1], { runMs: 4 }), outcome([0, 1], { runMs: 6 })] as const;
    const [block, ...others] = blocksOf(5, Array(5).fill(pair));
    expect(others).toEqual([]);
    expect(block).toEqual({
      phase: 'shadow',
      frames: 5,
      old: { failed: 0, latencyMs: 5, memoryMb: null, restarts: 0 },
      candidate: { failed: 0, latencyMs: 7, memoryMb: null, restarts: 0 },
      classShift: { car: 0, truck: 0 },
      disagreement: 0,
      scoreDrift: 0,
      longestGapSeconds: 0.04,
      missed: 0,
    });
  });

  it('counts answers that differ by their names, whatever their numbers are', () => {
    const [same] = blocksOf(2, Array(2).fill([outcome([0, 1]), outcome([1, 0], { labels: ['truck', 'car', 'bus'] })]));
    expect(same).toMatchObject({ disagreement: 0, classShift: { car: 0, truck: 0 } });
    const [other] = blocksOf(2, Array(2).fill([outcome([0, 1]), outcome([2, 1], { score: 0.8 })]));
    expect(other).toMatchObject({ disagreement: 0.5, classShift: { car: -0.5, bus: 0.5, truck: 0 } });
    expect(other?.scoreDrift).toBeCloseTo(-0.1, 12);
  });

  it('knows a region in which nothing reaches its threshold', () => {
    const [block] = blocksOf(2, Array(2).fill([outcome([0, null]), outcome([null, null])]));
    expect(block).toMatchObject({ disagreement: 0.5, classShift: { car: -0.5, '(none)': 0.5 }, scoreDrift: -0.45 });
  });

  it('counts a frame that one of them failed on as that, and in nothing else', () => {
    const pairs = [
      [outcome([0]), outcome([0])],
      [outcome([0]), outcome(undefined)],
      [outcome([1]), outcome(undefined)],
      [outcome(undefined), outcome([1])],
    ] as const;
    const [block] = blocksOf(4, pairs);
    expect(block).toMatchObject({ frames: 4, old: { failed: 1 }, candidate: { failed: 2 }, classShift: { car: 0 } });
    expect(block?.disagreement).toBe(0);
    const [none] = blocksOf(2, Array(2).fill([outcome([0]), outcome(undefined)]));
    expect(none).toMatchObject({ candidate: { failed: 2, latencyMs: null }, old: { latencyMs: null }, classShift: {} });
  });

  it('is as long as answers stay alike, several times, within its bounds', () => {
    const random = seededRandom(3);
    const stays = (frames: number) =>
      Array.from(
        { length: 4000 },
        (() => {
          let shown = 0;
          return () => {
            if (random.next() < 1 / frames) shown = random.below(3);
            return [outcome([shown]), outcome([shown])] as const;
          };
        })(),
      );
    const lengthOf = (frames: number, least: number, most: number): number => {
      const builder = new BlockBuilder({ least, most }, new RegionComparison(), 0);
      const blocks = stays(frames).map(([running, candidate]) =>
        builder.add({ frame, running, candidate }, 'shadow', 0),
      );
      return blocks.filter((block) => block !== undefined).at(-1)?.frames ?? Number.NaN;
    };
    expect(lengthOf(1, 10, 2000)).toBeLessThan(30);
    const long = lengthOf(20, 10, 2000);
    expect(long).toBeGreaterThan(100);
    expect(long).toBeLessThan(600);
    expect(lengthOf(60, 10, 80)).toBe(80);
    expect(lengthOf(1, 50, 2000)).toBe(50);
  });

  it('takes the memory of a process as it was seen last, and the longest time without a frame while a camera was live', () => {
    const builder = new BlockBuilder({ least: 2, most: 2 }, new RegionComparison(), 0);
    const pair = { frame, running: outcome([0]), candidate: outcome([0]) };
    builder.tick({ running: 50 * 2 ** 20, candidate: null }, true, 0);
    builder.add(pair, 'shadow', 500);
    builder.tick({ running: 40 * 2 ** 20, candidate: 80 * 2 ** 20 }, true, 600);
    builder.missed();
    expect(builder.add(pair, 'shadow', 3500)).toMatchObject({
      old: { memoryMb: 50 },
      candidate: { memoryMb: 80 },
      longestGapSeconds: 3,
      missed: 1,
    });
    builder.tick({ running: null, candidate: null }, false, 60_000); // no camera is live: nothing to analyse
    builder.add(pair, 'shadow', 60_100);
    expect(builder.add(pair, 'shadow', 60_200)).toMatchObject({
      old: { memoryMb: 40 },
      candidate: { memoryMb: 80 },
      longestGapSeconds: 0.1,
      missed: 0,
    });
  });

  it('of the other phase begins anew, and remembers that a process ended', () => {
    const builder = new BlockBuilder({ least: 2, most: 2 }, new RegionComparison(), 0);
    const pair = { frame, running: outcome([0]), candidate: outcome([1]) };
    builder.add(pair, 'shadow', 0);
    builder.restarted('candidate');
    builder.beginPhase();
    expect(builder.add(pair, 'probation', 0)).toBeUndefined();
    expect(builder.add(pair, 'probation', 0)).toMatchObject({
      phase: 'probation',
      candidate: { restarts: 1 },
      frames: 2,
    });
  });

  it('fits a line however many classes there are, with those that moved most, and names any of them', () => {
    const labels = Array.from({ length: 3000 }, (_, index) => `${'é'.repeat(150)} ${index}`);
    const pairs = labels.slice(0, -1).map((_, at) => [outcome([at], { labels }), outcome([at], { labels })] as const);
    const [block] = blocksOf(3000, [...pairs, [outcome([0], { labels }), outcome([2999], { labels })]]);
    const line = JSON.stringify({ v: 1, type: 'block', trial: 't', index: 0, block });
    expect(fromDaemon.safeParse(JSON.parse(line)).error).toBeUndefined();
    expect(Buffer.byteLength(line)).toBeLessThan(LONGEST_LINE_BYTES);
    expect(block?.classShift).toMatchObject({ [labels[0] ?? '']: -1 / 3000, [labels[2999] ?? '']: 1 / 3000 });
    const [odd] = blocksOf(1, [[outcome([0], { labels: ['__proto__'] }), outcome([1], { labels: ['', 'toString'] })]]);
    expect(Object.entries(odd?.classShift ?? {})).toEqual([
      ['__proto__', -1],
      ['toString', 1],
    ]);
  });
});
