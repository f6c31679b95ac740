import { expect, it } from 'vitest';
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

  it('publishes detections of the default model within 30 s of its configuration', async () => {
    const { debian, listener } = box();
    const after = performance.now();
    await debian.write('/root/edited.yaml', box().config(5));
    expect(await box().follow('install -m 600')).toMatchObject({ code: 0 });
    const checked = await box().follow('cp /usr/share/wayside');
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining('is valid: test/box') });
    const { at } = await listener.next('detections', ({ model }) => model.name === 'street', { after });
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
}
