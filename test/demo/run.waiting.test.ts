import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { type CountedRun, countFaults } from '../support/demo-counts.ts';

const BIN = join(PACKAGE_ROOT, 'bin', 'wayside.js');
/** Inherited by every child of a run: how its processes are found afterwards. */
const MARK = 'WAYSIDE_TEST_RUN';

interface Document extends CountedRun {
  readonly accuracy: { readonly n: number; readonly accuracy: number; readonly unmatchedFrames: number } | null;
  readonly counts: CountedRun['counts'] & { readonly flows: readonly object[] };
}

/** Processes that carry the mark, by /proc. */
async function marked(mark: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.includes(`${MARK}=${mark}\0`) ? [pid] : [];
    }),
  );
  return found.flat();
}

async function untilGone(mark: string): Promise<void> {
  await expect.poll(() => marked(mark)).toEqual([]);
}

let bare = '';
beforeAll(async () => {
  bare = await mkdtemp(join(tmpdir(), 'wayside-bare-'));
  await symlink(process.execPath, join(bare, 'node'));
});
afterAll(() => rm(bare, { recursive: true, force: true }));

async function demo(mark: string, path: string | undefined, ...options: string[]): Promise<Document> {
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, 'demo', '--json', ...options], {
    env: { ...process.env, [MARK]: mark, ...(path !== undefined && { PATH: path }) },
  });
  return JSON.parse(stdout) as Document;
}

describe('the demonstration', () => {
  it.each([
    ['with what the system has', () => undefined],
    ['on a bare machine without ffmpeg and broker', () => bare],
  ])('ends by itself with counts beside the truth, %s', async (name, path) => {
    const run = await demo(name, path(), '--frames', '150');
    const { frames, accuracy, counts } = run;
    expect(frames).toBeGreaterThanOrEqual(150);
    expect(accuracy).toBeNull();
    expect(counts.flows.length).toBeGreaterThanOrEqual(5);
    expect(countFaults(run)).toEqual([]);
    await untilGone(name);
  });

  it('classifies fixed regions where that is asked for', async () => {
    const { frames, accuracy, counts } = await demo('classifier', undefined, '--frames', '40', '--classifier');
    expect(counts).toBeNull();
    expect(accuracy?.n).toBeGreaterThanOrEqual(5 * (frames - (accuracy?.unmatchedFrames ?? 0)));
    expect(accuracy?.unmatchedFrames).toBeLessThanOrEqual(2);
    expect(accuracy?.accuracy).toBeGreaterThan(0.8);
    await untilGone('classifier');
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('leaves no process behind when it is ended by %s', async (signal) => {
    const child = spawn(process.execPath, [BIN, 'demo'], {
      env: { ...process.env, [MARK]: signal },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await expect.poll(() => said).toMatch(/camera live.*counted/);
    expect((await marked(signal)).length).toBeGreaterThan(3);
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    if (signal === 'SIGINT') {
      expect(code).toBe(0);
      expect(said).toMatch(/frames analysed in/);
    }
    await untilGone(signal);
  });
});
