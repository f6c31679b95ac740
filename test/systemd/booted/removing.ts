import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { debOf } from '../../../scripts/package/deb.ts';
import type { Box } from './box.ts';

/** Other versions, and none. */
export function removing(box: Box): void {
  const changesTo = async (file: string): Promise<void> => {
    const { debian, listener } = box();
    const pid = await box().property('MainPID');
    const before = await debian.do('cat /etc/wayside/wayside.yaml');
    const since = performance.now();
    await debian.do(`dpkg --install ${file}`);
    await box().analyses();
    expect(await box().property('MainPID')).not.toBe(pid);
    expect(await debian.do('cat /etc/wayside/wayside.yaml')).toBe(before);
    const times = listener.heard.filter(({ kind, at }) => kind === 'detections' && at >= since).map(({ at }) => at);
    expect(Math.max(...times.map((at, index) => at - (times[index - 1] ?? since)))).toBeLessThan(5000);
  };

  it('is upgraded with its configuration kept and at most 5 s without frames', async () => {
    await changesTo('/root/upgrade.deb');
  });

  it('goes back to the version before, with its configuration kept', async () => {
    await changesTo('/root/wayside_1_test.deb');
    expect(await box().debian.do('dpkg-query --show wayside')).not.toContain('+1');
  });

  it('keeps configuration, secrets and models when it is removed', async () => {
    const { debian } = box();
    await debian.do('touch /var/lib/wayside/journal /var/lib/wayside-models/record');
    expect(await box().follow('apt remove')).toMatchObject({ code: 0 });
    const kept = [
      '/etc/wayside/wayside.yaml',
      '/etc/wayside/secrets/mqtt',
      '/var/lib/wayside/journal',
      '/var/lib/wayside-models/record',
    ];
    await debian.do(kept.map((path) => `test -e ${path}`).join(' && '));
    expect((await debian.run('systemctl is-active wayside')).code).not.toBe(0);
    expect((await debian.run('test -e /usr/lib/wayside')).code).not.toBe(0);
  });

  it('is installed again over what was kept, and runs', async () => {
    const after = performance.now();
    expect(await box().follow('apt install')).toMatchObject({ code: 0 });
    await box().analyses(after);
  });

  it('leaves nothing but its users when it is purged', async () => {
    const { debian } = box();
    expect(await box().follow('apt purge')).toMatchObject({ code: 0 });
    const gone = [
      '/etc/wayside',
      '/var/lib/wayside',
      '/var/lib/wayside-models',
      '/usr/lib/wayside',
      '/usr/share/wayside',
      '/run/wayside',
    ];
    await debian.do(gone.map((path) => `test ! -e ${path}`).join(' && '));
    await debian.do('id wayside && id wayside-agent');
    expect((await debian.do('find /etc/systemd /var/lib/systemd -name "*wayside*"')).trim()).toBe('');
  });

  it('has a package in which lintian finds nothing that is not accounted for', async () => {
    const { folder, deb } = box();
    const file = join(folder, 'wayside.deb');
    await writeFile(file, await debOf({ ...deb, level: 0 }));
    const { stdout } = await promisify(execFile)('lintian', ['--allow-root', '--fail-on=none', file]);
    expect(stdout).toBe('');
  });
}
