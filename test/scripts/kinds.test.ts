import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { freePort } from '../support/mosquitto.ts';
import { seedOf } from '../support/seeds.ts';
import { LONGEST } from '../support/sequencer.ts';

const FOLDER = join(PACKAGE_ROOT, 'test');
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));

it('the files that are begun first exist', () => {
  expect(LONGEST.filter((name) => !existsSync(join(FOLDER, `${name}.test.ts`)))).toEqual([]);
});

it('files with cameras and daemons are of the kind that waits, beside which none computes', () => {
  const live = files.filter((name) =>
    /from '[./]*\/support\/(rig|watched-camera|daemon-process)\.ts'/.test(readFileSync(join(FOLDER, name), 'utf8')),
  );
  expect(live.length).toBeGreaterThan(10);
  expect(live.filter((name) => !name.endsWith('.waiting.test.ts'))).toEqual([]);
});

it('property tests draw the same cases again, another seed other ones', () => {
  const drawn = (seed?: number): number[] =>
    fc.sample(fc.nat(), { numRuns: 5, ...(seed === undefined ? {} : { seed }) });
  const own = seedOf(process.env['WAYSIDE_SEED']);
  expect(drawn()).toEqual(drawn(own));
  expect(drawn()).not.toEqual(drawn(own + 2));
  expect(seedOf('7')).toBe(7);
  expect(() => seedOf('x')).toThrow(/WAYSIDE_SEED/);
});

it('files that run at once are given ports of different shares, a file none of them twice', async () => {
  const portsOf = async (worker: string): Promise<number[]> => {
    vi.stubEnv('VITEST_POOL_ID', worker);
    try {
      return await Promise.all(Array.from({ length: 200 }, freePort));
    } finally {
      vi.unstubAllEnvs();
    }
  };
  const [one, other] = [await portsOf('1'), await portsOf('2')];
  expect(new Set([...one, ...other]).size).toBe(400);
  expect(Math.max(...one)).toBeLessThan(Math.min(...other));
});
