import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { startColourCamera } from '../../support/rig.ts';
import { until } from '../../support/until.ts';
import type { Box } from './box.ts';

/** From the package to the first detection, by the guide. */
export function installing(box: Box): void {
  it('installs the package; its units run and wait for their configurations', async () => {
    expect(await box().follow('apt install')).toMatchObject({ code: 0 });
    await until('the daemon to wait', async () =>
      (await box().property('StatusText')).startsWith('waiting for a configuration'),
    );
    expect(await box().debian.do('systemctl is-active wayside wayside-agent')).toBe('active\nactive\n');
    expect(await box().property('NRestarts')).toBe('0');
  });

  it('publishes its first detection after two typed commands and 30 s of processor time', async () => {
    const { debian, broker, listener } = box();
    const ffmpeg: { readonly path: string } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg');
    await debian.write('/usr/local/bin/ffmpeg', await readFile(ffmpeg.path), 0o755); // where apt would find no mirror
    const camera = await startColourCamera();
    try {
      const after = performance.now();
      const words = `--site test --box box --broker ${broker.url} --camera north=${camera.url}`;
      expect(await debian.run(`wayside init --start ${words}`)).toMatchObject({ code: 0 });
      await listener.next('detections', ({ model }) => model.name === 'street-grid', { after, within: 60_000 });
      // It finds and follows, and says that it was made for another street; nothing else is wrong.
      const alone = (reasons: readonly { code: string }[]): boolean =>
        reasons.length === 1 && reasons[0]?.code === 'model-demonstration';
      await listener.next('state', ({ state, reasons }) => state === 'degraded' && alone(reasons), { after });
      expect(await debian.cpuSeconds()).toBeLessThan(30); // since it was booted
    } finally {
      await camera.close();
    }
    await debian.do(
      'find /etc/wayside -type f -delete && rm /usr/local/bin/ffmpeg && systemctl restart wayside wayside-agent',
    );
  });

  it('publishes detections of the default model within 30 s of its configuration by hand', async () => {
    const { debian, listener } = box();
    const after = performance.now();
    await debian.write('/root/edited.yaml', box().config(5));
    expect(await box().follow('install -m 600')).toMatchObject({ code: 0 });
    const checked = await box().follow('cp /usr/share/wayside');
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('is valid: test/box') });
    const { at } = await listener.next('detections', ({ model }) => model.name === 'street-grid', { after });
    expect(at - after).toBeLessThan(30_000);
  });

  it('fails a reload after a bad edit, with the reason, and goes on', async () => {
    const { debian } = box();
    await debian.write('/root/edited.yaml', 'site: [');
    expect((await box().follow('editor')).code).not.toBe(0);
    expect((await box().follow('journalctl')).stdout).toContain('CONFIG_INVALID');
    expect((await box().follow('systemctl status')).stdout).toMatch(/Status: .*refused: CONFIG_INVALID/);
    await box().analyses();
    await debian.write('/root/edited.yaml', box().config(4));
    expect(await box().follow('editor')).toMatchObject({ code: 0 });
  });

  it('runs a model of its own that was imported by hand, and the agent can write to its store still', async () => {
    const { debian, listener } = box();
    const [factory, slots] = ['/usr/share/wayside/factory/street-grid', '/var/lib/wayside-models/models'];
    await debian.do(
      `cp -r ${factory} /root/vehicles && sed -i 's/"street-grid"/"vehicles"/' /root/vehicles/manifest.json`,
    );
    await debian.write('/root/edited.yaml', box().config(4).replace('street-grid', 'vehicles'));
    const after = performance.now();
    expect(await box().follow('systemctl stop wayside-agent')).toMatchObject({ code: 0 });
    await listener.next('detections', ({ model }) => model.name === 'vehicles', { after, within: 60_000 });
    const owners = await debian.do(`find ${slots}/vehicles -printf '%u:%g\\n' | sort -u`);
    expect(owners).toBe('wayside-agent:wayside\n');
    await debian.write('/root/edited.yaml', box().config(4));
    expect(await box().follow('editor')).toMatchObject({ code: 0 });
    await debian.do(`rm -r /root/vehicles ${slots}/vehicles`);
  });
}
