import { expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { BootedBox, type Box } from './box.ts';

const AGENT = {
  site: 'test',
  box: 'box',
  model: 'street-grid',
  repository: { url: 'https://127.0.0.1:1/', root: 'root.json' },
};

/** A box that begins anew, with less than it had before. */
export function booting(box: Box): void {
  const status = (part: string): Promise<unknown> =>
    until(`the status to say: ${part}`, async () => (await box().property('StatusText')).includes(part), 60_000);
  /** Neither unit was started more than once since the machine was. */
  const stayedUp = async (): Promise<void> => {
    for (const unit of ['wayside', 'wayside-agent'] as const) expect(await box().property('NRestarts', unit)).toBe('0');
    expect(await box().debian.do('systemctl is-active wayside wayside-agent')).toBe('active\nactive\n');
  };

  const restarted = async (): Promise<void> => {
    await box().debian.do('systemctl restart wayside wayside-agent');
    await box().analyses();
    expect(await box().debian.do('systemctl is-active wayside wayside-agent')).toBe('active\nactive\n');
  };

  it('is there again after a reboot', async () => {
    const { debian, broker } = box();
    const agent = JSON.stringify({ ...AGENT, mqtt: { url: broker.url } });
    await debian.write('/etc/wayside/agent.yaml', agent);
    await debian.do('systemctl restart wayside-agent');
    await debian.powerOff();
    const after = performance.now();
    await debian.boot();
    await box().analyses(after);
    await stayedUp();
  });

  it('boots without its broker and its camera, and goes on when they come', async () => {
    const { debian, broker } = box();
    await debian.do(`mv ${BootedBox.decoder} ${BootedBox.decoder}.away`);
    await debian.powerOff();
    await broker.stop();
    await debian.boot();
    await status('0 of 1 cameras live');
    await status('broker away');
    await stayedUp();
    const after = performance.now();
    await broker.start();
    await debian.do(`mv ${BootedBox.decoder}.away ${BootedBox.decoder}`);
    await box().analyses(after, 90_000);
    await stayedUp();
  });

  it('waits for configurations that a power cut has cut short, says so, and goes on when they are whole', async () => {
    const { debian } = box();
    const names = ['wayside.yaml', 'agent.yaml'].map((name) => `/etc/wayside/${name}`);
    for (const name of names) await debian.do(`cp -a ${name} ${name}.whole`);
    await debian.do('sync');
    await debian.cutPower();
    await debian.offline(`truncate --size=20 ${names.map((name) => `.${name}`).join(' ')}`);
    await debian.boot();
    await status('waiting for a configuration: CONFIG_INVALID');
    await until('the agent to say it', async () =>
      (await box().property('StatusText', 'wayside-agent')).startsWith('waiting for a configuration: CONFIG_INVALID'),
    );
    await stayedUp();
    const after = performance.now();
    for (const name of names) await debian.do(`mv ${name}.whole ${name}`);
    await box().analyses(after);
    await until('the agent to go on', async () =>
      (await box().property('StatusText', 'wayside-agent')).startsWith('waits for'),
    );
    await stayedUp();
  });

  it('runs where the disk fails and can only be read, starts there, and boots when it is mended', async () => {
    const { debian } = box();
    await debian.do('sync');
    await debian.failDisk();
    expect((await debian.run('touch /etc/wayside/x')).stderr).toContain('Read-only file system');
    await box().analyses();
    await restarted();
    await debian.powerOff();
    await debian.repairDisk();
    const after = performance.now();
    await debian.boot();
    await debian.do('touch /etc/wayside/x && rm /etc/wayside/x');
    await box().analyses(after);
    await stayedUp();
  });

  it('boots from a disk that can only be read', async () => {
    const { debian } = box();
    await debian.powerOff();
    const after = performance.now();
    await debian.boot({ readOnly: true });
    expect((await debian.run('touch /etc/wayside/x')).stderr).toContain('Read-only file system');
    await box().analyses(after);
    await stayedUp();
    await debian.powerOff();
    await debian.boot();
  });

  it('runs where the disk is full, and starts there', async () => {
    const { debian } = box();
    const sizes = { '/var/lib/wayside': '1m', '/var/lib/wayside-models': '1m', '/tmp': '1m', '/var/log': '64m' };
    try {
      for (const [folder, size] of Object.entries(sizes)) {
        const owner = (await debian.do(`stat --format='uid=%u,gid=%g,mode=%a' ${folder}`)).trim();
        const over = `mount -t tmpfs -o size=${size},${owner} full ${folder} && cp -a /root/kept/. ${folder}`;
        await debian.do(`cp -a ${folder} /root/kept && ${over} && rm -r /root/kept`);
        expect((await debian.run(`cat /dev/zero > ${folder}/full`)).stderr).toContain('No space left');
      }
      await box().analyses();
      await restarted();
    } finally {
      for (const folder of Object.keys(sizes)) await debian.run(`umount --lazy ${folder}`);
    }
    await restarted();
  });
}
