import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startColourCamera } from '../../support/rig.ts';
import type { Box } from './box.ts';

/** The one command of the guide that configures a box. */
export function initializing(box: Box): void {
  it('is set up by `wayside init`: probed as `wayside`, its secrets handed over by systemd, and passes a drill', async () => {
    const { debian, listener, broker } = box();
    const camera = await startColourCamera({ credentials: { username: 'viewer', password: 'c4mera-word' } });
    const before = await debian.do('cat /etc/wayside/wayside.yaml');
    try {
      // A static ffmpeg: the one of Debian would bring 200 packages.
      const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };
      await debian.write('/usr/local/bin/ffmpeg', await readFile(path), 0o755);
      await debian.write('/root/mqtt.pw', 'br0ker-word', 0o600);
      await debian.write('/root/camera.pw', 'c4mera-word', 0o600);
      const answers = {
        site: 'test',
        box: 'box',
        broker: { url: broker.url, username: 'box', passwordFile: 'mqtt.pw' },
        cameras: [{ id: 'south', url: camera.url, username: 'viewer', passwordFile: 'camera.pw' }],
      };
      await debian.write('/root/answers.yaml', stringify(answers));
      const after = performance.now();
      const run = await debian.run('wayside init --answers /root/answers.yaml --force --start --json');
      expect(run).toMatchObject({ code: 0 });
      const { probedAs, found, identity } = JSON.parse(run.stdout);
      expect(probedAs).toBe('wayside');
      expect(found.cameras).toMatchObject([{ id: 'south', facts: { codec: 'h264', width: 320, height: 180 } }]);
      const { message } = await listener.next('info', ({ cameras }) => cameras[0]?.id === 'south', { after });
      expect(message.identity?.thumbprint).toBe(identity.thumbprint);
      await listener.next('detections', (heard) => heard.camera === 'south', { after, within: 60_000 });
      const { findings } = JSON.parse((await debian.run('wayside doctor --json')).stdout);
      expect(findings).toContainEqual(expect.objectContaining({ check: 'model', fault: 'demonstration' }));
      const drill = await debian.run('wayside drill --now --only camera-lost bad-model --out /root/drill.json --json');
      expect(drill).toMatchObject({ code: 0 });
      const passed = { status: 'passed', recoveredSeconds: expect.any(Number) };
      expect(JSON.parse(drill.stdout).exercises).toMatchObject([passed, passed]);
      const owners = await debian.do("stat --format '%U %a' /etc/wayside/secrets /etc/wayside/secrets/*");
      expect(new Set(owners.trim().split('\n'))).toEqual(new Set(['root 700', 'root 600']));
      const read = 'setpriv --reuid wayside --regid wayside --clear-groups cat /etc/wayside/secrets/identity';
      expect((await debian.run(read)).code).not.toBe(0);
      const journal = await debian.do('journalctl --unit=wayside --output=cat --since=-2min');
      expect(journal).not.toMatch(/br0ker-word|c4mera-word/);
      await debian.do('wayside identity rotate && systemctl restart wayside');
      await listener.next('info', (heard) => heard.identity?.rotations.length === 1, { after });
    } finally {
      await debian.write('/etc/wayside/wayside.yaml', before);
      await debian.do('rm -rf /etc/wayside/backup-* /usr/local/bin/ffmpeg && systemctl restart wayside');
      await box().analyses();
      await camera.close();
    }
  });
}
