import { createHash } from 'node:crypto';
import { WaysideError } from '../../core/errors.ts';

/**
 * Where a box stands in the order of a rollout: 52 bits of SHA-256 over both ids, exact in a double. It hangs on nothing
 * else, so an office that starts again, or another one, draws the same boxes; and each rollout has another canary.
 */
export const rankOf = (rollout: string, box: string): number =>
  Number.parseInt(createHash('sha256').update(`${rollout}\0${box}`).digest('hex').slice(0, 13), 16);

const WAVE = /^(?:(?<all>all)|(?<canary>canary)|(?<share>\d{1,2}(?:\.\d+)?|100)%|(?<count>[1-9]\d{0,6}))$/;

/** How many of `known` boxes run the new model after a wave; at least one. */
export function boxesAfter(wave: string, known: number): number {
  const { all, canary, share, count } = WAVE.exec(wave)?.groups ?? {};
  if (all !== undefined) return known;
  const wanted =
    canary !== undefined ? 1 : count !== undefined ? Number(count) : Math.ceil((Number(share) / 100) * known);
  return Math.min(known, Math.max(1, wanted));
}

/**
 * `canary,5%,25%,all`: each says how many boxes run the new model after it. `canary` is one box, a number that many.
 *
 * @throws {WaysideError} USAGE where one is none, or none reaches more than the one before
 */
export function parseWaves(text: string): string[] {
  const waves = text.split(',').map((wave) => wave.trim());
  for (const [index, wave] of waves.entries()) {
    if (!WAVE.test(wave)) throw wrong(`expected canary, a number of boxes, a share such as 5%, or all; got '${wave}'`);
    const before = waves[index - 1];
    if (before !== undefined && !isBelow(before, wave)) throw wrong(`${wave} does not reach beyond ${before}`);
  }
  return waves;
}

/** Whether a wave is not plainly the smaller one: a number and a share compare by the fleet, which is not known yet. */
function isBelow(before: string, wave: string): boolean {
  if (before === 'all') return false;
  if (before.endsWith('%') === wave.endsWith('%') && wave !== 'all' && wave !== 'canary')
    return Number.parseFloat(before === 'canary' ? '1' : before) < Number.parseFloat(wave);
  return wave !== 'canary';
}

const wrong = (message: string): WaysideError => new WaysideError('USAGE', { message: `--waves: ${message}` });

/** The ranks that a wave reaches up to, of the ranks of all boxes known; -1 where there are none. */
export function upTo(wave: string, ranks: readonly number[]): number {
  const sorted = ranks.toSorted((a, b) => a - b);
  return sorted[boxesAfter(wave, sorted.length) - 1] ?? -1;
}
