import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { describeWith } from '../support/requirements.ts';
import { Rig } from '../support/rig.ts';
import { until } from '../support/until.ts';

/** The command line, allowed so many file descriptors. */
function limited(files: number, args: readonly string[]): ChildProcess {
  const command = [process.execPath, join(PACKAGE_ROOT, 'bin', 'wayside.js'), ...args];
  return spawn('sh', ['-c', `ulimit -n ${files}; exec "$@"`, 'sh', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

const scoreOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a daemon short of something', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start();
    await rig.working();
  });
  afterAll(() => rig.stop());

  it('gives the kernel its children to end before itself when memory runs out', () => {
    const below = rig.daemon.below();
    expect(below.length).toBeGreaterThanOrEqual(2);
    for (const pid of below) expect(scoreOf(pid)).toBe(500);
    expect(scoreOf(rig.daemon.pid)).toBe(scoreOf(process.pid));
  });

  it('goes on with its telemetry through one reload after the other', async () => {
    const started = performance.now();
    const told = (): number => rig.listener.heard.filter(({ kind, at }) => kind === 'telemetry' && at > started).length;
    const reloaded = (): number => rig.daemon.log.split('configuration reloaded').length - 1;
    const before = reloaded();
    // Faster than the interval of 1 s: each reload used to start it anew.
    const reloads = setInterval(() => rig.daemon.child.kill('SIGHUP'), 300);
    try {
      await until('ten reloads', () => reloaded() - before >= 10);
    } finally {
      clearInterval(reloads);
    }
    // Ten of them take three intervals, and on a busy machine more: of telemetry too.
    expect(told()).toBeGreaterThanOrEqual(2);
  });

  it('names the descriptors that are missing, at the start and where a child cannot be started, and goes on', async () => {
    await rig.daemon.end();
    const config = parse(await readFile(rig.configPath, 'utf8'));
    const path = join(rig.folder, 'many.yaml');
    // Children that take four descriptors each and do nothing.
    const mute = { url: 'rtsp://127.0.0.1/none', decoder: { command: ['sleep', '1000'] } };
    const cameras = Array.from({ length: 60 }, (_, index) => ({ id: `mute-${index}`, ...mute }));
    await writeFile(path, stringify({ ...config, cameras: [...cameras, ...config.cameras] }));
    const before = performance.now();
    const daemon = limited(200, ['daemon', '--config', path]);
    let log = '';
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    try {
      const { message } = await rig.listener.next(
        'state',
        ({ reasons }) => reasons.some(({ code }) => code === 'resources-short'),
        { after: before },
      );
      expect(message.reasons.find(({ code }) => code === 'resources-short')?.message).toContain('200 file descriptors');
      await until('a child to be refused', () => /cannot start[^"]*EMFILE[^"]*LimitNOFILE/.test(log));
      expect(log).not.toContain('INTERNAL');
      expect(daemon.exitCode).toBeNull();
    } finally {
      daemon.kill('SIGTERM');
      await once(daemon, 'exit');
    }
    expect(daemon.exitCode).toBe(0);
  });

  it('ends at once, with the limit named, where there are too few to load at all', async () => {
    const daemon = limited(64, ['daemon', '--config', rig.configPath]);
    let log = '';
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    await once(daemon, 'close');
    expect(daemon.exitCode).toBe(69);
    expect(log).toMatch(/^error RESOURCES_SHORT: 64 file descriptors are allowed/);
  });
});
