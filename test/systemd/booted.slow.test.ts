import { afterAll, beforeAll } from 'vitest';
import { describeWith } from '../support/requirements.ts';
import { booting } from './booted/booting.ts';
import { BootedBox } from './booted/box.ts';
import { initializing } from './booted/initializing.ts';
import { installing } from './booted/installing.ts';
import { journal } from './booted/journal.ts';
import { removing } from './booted/removing.ts';
import { replacing } from './booted/replacing.ts';
import { sandbox } from './booted/sandbox.ts';

const needs = [
  { name: 'to be asked', met: process.env['WAYSIDE_BOOT'] === '1', hint: 'npm run test:boot, some minutes' },
  { name: 'root', met: process.getuid?.() === 0, hint: 'namespaces and mounts' },
  'debootstrap',
  'systemd-nspawn',
  'lintian',
  'mkfs.ext4',
  'e2fsck',
  'mosquitto',
  'xz',
];

/** One machine, from its first command to its last: each subject finds the box as the one before left it. */
describeWith({ needs }, 'a bare Debian 12', () => {
  let running: BootedBox | undefined;
  const box = (): BootedBox => {
    if (running === undefined) throw new Error('the box was not started');
    return running;
  };
  beforeAll(async () => {
    running = await BootedBox.start();
  });
  afterAll(() => running?.stop());

  installing(box);
  journal(box);
  sandbox(box);
  replacing(box);
  booting(box);
  initializing(box);
  removing(box);
});
