import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, it, onTestFinished } from 'vitest';
import { probeCamera } from '../../../daemon/camera/probe.ts';
import { Prober } from '../../../daemon/probe/prober.ts';
import { systemUser } from '../../../daemon/probe/user.ts';
import type { RtspServer, RtspServerOptions } from '../../../demo/rtsp/server.ts';
import { describeWith } from '../../support/requirements.ts';
import { startColourCamera } from '../../support/rig.ts';
import { until } from '../../support/until.ts';

async function serve(options: Omit<RtspServerOptions, 'source'> = {}): Promise<RtspServer> {
  const server = await startColourCamera(options);
  onTestFinished(() => server.close());
  return server;
}

describeWith({ needs: ['ffmpeg'] }, 'probing a camera', () => {
  it('tells codec, size, rate and how long the first frame takes', async () => {
    const { url } = await serve();
    const facts = await probeCamera({ url }, { watchMs: 2000 });
    expect(facts).toMatchObject({ codec: 'h264', width: 320, height: 180, profile: expect.stringMatching(/\w/) });
    expect(facts.framesPerSecond).toBeCloseTo(25, 0);
    expect(facts.frames).toBeGreaterThan(20);
    expect(facts.firstFrameMs).toBeGreaterThan(facts.describeMs);
  });

  it('in a process of its own gives the same, and its refusal as an error', async () => {
    const { url } = await serve({ credentials: { username: 'viewer', password: 'right-word' } });
    const prober = await Prober.create();
    const signed = { url, username: 'viewer', password: 'right-word' };
    expect(await prober.ask('camera', { camera: signed, watchMs: 500 })).toMatchObject({ codec: 'h264', width: 320 });
    const wrong: unknown = await prober
      .ask('camera', { camera: { ...signed, password: 'wr0ng-word' } })
      .catch((thrown: unknown) => thrown);
    expect(wrong).toMatchObject({ code: 'CAMERA_REFUSED', message: expect.stringContaining('credentials are wrong') });
    expect(String(wrong)).not.toContain('wr0ng-word');
  });

  it('works with an ffmpeg that takes no options beside an address with a password', async () => {
    const { url } = await serve({ credentials: { username: 'viewer', password: 'right-word' } });
    const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };
    const camera = { url, username: 'viewer', password: 'right-word', decoder: { command: [path] } };
    expect(await probeCamera(camera, { watchMs: 500 })).toMatchObject({ codec: 'h264', width: 320, height: 180 });
  });

  it('says that nothing came of a camera that describes itself and sends no frame', async () => {
    const server = await serve();
    server.faults.mute();
    await expect(probeCamera({ url: server.url }, { timeoutMs: 1500 })).rejects.toMatchObject({ code: 'CAMERA_LOST' });
  });
});

const root = process.getuid?.() === 0;
const readable = root && (await systemUser('nobody')) !== undefined;

describeWith(
  { needs: ['ffmpeg', { name: 'root', met: readable, hint: 'only root may become another user' }] },
  'a probe by root',
  () => {
    it('runs as another user, without further groups', async () => {
      const nobody = await systemUser('nobody');
      const { url } = await serve();
      const before = await childrenOf(process.pid);
      const stopping = new AbortController();
      const asked = new Prober(nobody).ask('camera', { camera: { url }, watchMs: 60_000 }, stopping.signal);
      asked.catch(() => undefined);
      const identity = await until('the process that probes', async () => {
        const added = (await childrenOf(process.pid)).filter((pid) => !before.includes(pid));
        const status = added[0] === undefined ? '' : await readFile(`/proc/${added[0]}/status`, 'utf8').catch(() => '');
        return /^Uid:\s+(?!0\s)/m.test(status) ? status : undefined;
      });
      expect(identity).toMatch(new RegExp(`^Uid:\\s+${nobody?.uid}\\s+${nobody?.uid}\\s`, 'm'));
      expect(identity).toMatch(new RegExp(`^Gid:\\s+${nobody?.gid}\\s`, 'm'));
      expect(identity).toMatch(/^Groups:\s*$/m);
      stopping.abort();
      await expect(asked).rejects.toThrow();
      const again = await new Prober(nobody).ask('camera', { camera: { url }, watchMs: 300 });
      expect(again).toMatchObject({ codec: 'h264', width: 320 });
    });
  },
);

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}
