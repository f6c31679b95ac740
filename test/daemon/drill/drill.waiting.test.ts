import { createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { makeIdentityKey } from '../../../core/identity/key.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { drillSchema } from '../../../daemon/drill/report.ts';
import { DaemonProcess } from '../../support/daemon-process.ts';
import { describeWith } from '../../support/requirements.ts';
import { northCamera, Rig } from '../../support/rig.ts';
import { runWayside } from '../../support/wayside.ts';

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a drill on a running box', () => {
  let rig: Rig;
  let second: Promise<DaemonProcess>;
  beforeAll(async () => {
    // How late frames come is another matter, and a busy machine's.
    rig = await Rig.start({
      config: ({ cameraUrl }) => ({ cameras: [{ ...northCamera(cameraUrl), maxLagSeconds: 60 }] }),
    });
    await rig.working();
    await writeFile(join(rig.folder, 'key.pem'), makeIdentityKey());
    // What systemd does on a box.
    second = once(rig.daemon.child, 'exit').then(() => new DaemonProcess(rig.configPath));
  }, 60_000);
  afterAll(async () => {
    await rig.daemon.end('SIGKILL');
    await (await second).end();
    await rig.stop();
  });

  const drill = (...args: string[]) => {
    const files = ['--config', rig.configPath, '--agent-config', join(rig.folder, 'no-agent.yaml')];
    const written = ['--key', join(rig.folder, 'key.pem'), '--out', join(rig.folder, 'drill.json')];
    return runWayside(['drill', ...files, ...written, ...args]);
  };

  it('is not begun outside a maintenance window', async () => {
    const run = await drill();
    expect(run).toMatchObject({ exit: 1, stdout: '' });
    expect(run.stderr).toMatch(/^error DRILL_REFUSED: .*maintenance window[\s\S]*hint: `--now`/);
  });

  it('sees the box recover from everything that it does to it, and signs what it saw', async () => {
    const run = await drill('--now', '--restarted', '--json');
    expect(run.stderr).toBe('');
    const report = drillSchema.parse(JSON.parse(run.stdout));
    const statuses = Object.fromEntries(report.exercises.map(({ name, status, seen }) => [name, `${status}: ${seen}`]));
    expect(statuses).toEqual({
      'camera-lost': expect.stringMatching(/^passed: .*camera/),
      'decoder-hung': expect.stringMatching(/^passed: .*camera-stalled/),
      'image-frozen': expect.stringMatching(/^passed: .*camera-view/),
      'inference-killed': expect.stringMatching(/^passed: .*inference/),
      'inference-hung': expect.stringMatching(/^passed: .*inference/),
      'broker-cut': expect.stringMatching(/^passed: /),
      'daemon-killed': expect.stringMatching(/^passed: /),
      'agent-killed': 'skipped: no agent runs',
      'bad-model': 'passed: refused: GOLDEN_MISMATCH',
    });
    for (const { status, noticedSeconds, recoveredSeconds, limitSeconds } of report.exercises) {
      if (status !== 'passed') continue;
      expect(noticedSeconds).toBeGreaterThan(0);
      expect(recoveredSeconds).toBeGreaterThan(noticedSeconds ?? Number.NaN);
      expect(recoveredSeconds).toBeLessThanOrEqual(limitSeconds);
    }
    expect(run.exit).toBe(0);

    const text = await readFile(join(rig.folder, 'drill.json'));
    expect(JSON.parse(text.toString())).toEqual(report);
    const signature = Buffer.from(await readFile(join(rig.folder, 'drill.json.sig'), 'utf8'), 'base64');
    const key = createPublicKey(await readFile(join(rig.folder, 'key.pem'), 'utf8'));
    expect(verify(null, text, key, signature)).toBe(true);
    expect(verify(null, Buffer.from(text.toString().replace('passed', 'failed')), key, signature)).toBe(false);
  }, 300_000);
});

describeWith({ needs: ['ffmpeg', 'mosquitto'] }, 'a drill on a box with the model that comes with the software', () => {
  it('takes `degraded` for what the model is for the usual, and sees what goes wrong beside it', async () => {
    const rig = await Rig.start({
      config: ({ cameraUrl }) => ({
        model: { package: join(PACKAGE_ROOT, 'demo/detector-package') },
        cameras: [{ id: 'north', url: cameraUrl, rate: 10, maxLagSeconds: 60 }],
      }),
    });
    onTestFinished(() => rig.stop());
    await rig.listener.next(
      'state',
      ({ reasons }) => reasons.length === 1 && reasons[0]?.code === 'model-demonstration',
    );
    await writeFile(join(rig.folder, 'key.pem'), makeIdentityKey());
    const files = ['--config', rig.configPath, '--agent-config', join(rig.folder, 'no-agent.yaml')];
    const written = ['--key', join(rig.folder, 'key.pem'), '--out', join(rig.folder, 'drill.json')];
    const exercises = ['--only', 'inference-killed', 'bad-model'];
    const run = await runWayside(['drill', ...files, ...written, '--now', '--json', ...exercises]);
    const { exercises: seen } = drillSchema.parse(JSON.parse(run.stdout));
    expect(seen).toMatchObject([
      { name: 'inference-killed', status: 'passed', seen: expect.stringContaining('inference') },
      { name: 'bad-model', status: 'passed', seen: 'refused: GOLDEN_MISMATCH' },
    ]);
  }, 120_000);
});
