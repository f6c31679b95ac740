import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { describe, onTestFinished } from 'vitest';
import { agentConfiguration } from '../../../daemon/doctor/checks/agent-configuration.ts';
import { clock } from '../../../daemon/doctor/checks/clock.ts';
import { configuration } from '../../../daemon/doctor/checks/configuration.ts';
import { decoder } from '../../../daemon/doctor/checks/decoder.ts';
import { descriptors } from '../../../daemon/doctor/checks/descriptors.ts';
import { disk, wear } from '../../../daemon/doctor/checks/disk.ts';
import { memory } from '../../../daemon/doctor/checks/memory.ts';
import { permissions } from '../../../daemon/doctor/checks/permissions.ts';
import { temperature, throttling } from '../../../daemon/doctor/checks/temperature.ts';
import { units } from '../../../daemon/doctor/checks/units.ts';
import { versions } from '../../../daemon/doctor/checks/versions.ts';
import { BoxRoot, systemctl } from '../../support/box-root.ts';
import { type BrokenCase, itFindsEach } from '../../support/broken-box.ts';

const own = process.getuid?.() ?? 0;
/** Owns its state, and may read what it must. */
const DAEMON = { name: 'wayside', uid: own, gid: process.getgid?.() ?? 0 };
const STRANGER = { name: 'wayside', uid: own + 4242, gid: 4242 };

/** A socket file, as the agent of a box keeps one. */
async function listen(path: string, mode: number): Promise<void> {
  const server = createServer();
  await once(server.listen(path), 'listening');
  onTestFinished(() => void server.close());
  await chmod(path, mode);
}

/** Answers as an ffmpeg would. */
const ffmpeg = (format: string, decoders: string): string =>
  `case "$*" in *-version*) echo "ffmpeg version 4.4.2"; echo "libavformat ${format} / ${format}";; *-decoders*) printf '${decoders}';; esac\n`;

const BOTH = ' V....D h264   H.264\\n V....D hevc   H.265\\n';
const withDecoder = (box: BoxRoot, change: object = {}): Promise<void> =>
  box.configure({
    cameras: [{ id: 'north', url: 'rtsp://127.0.0.1:1/c', decoder: { command: [box.path('bin/ffmpeg')] }, ...change }],
  });

const CASES: readonly BrokenCase[] = [
  { check: configuration, fault: 'missing', remedy: /wayside init/, breaks: (box) => rm(box.config) },
  {
    check: configuration,
    fault: 'invalid',
    remedy: /wayside daemon --check --config \S+wayside\.yaml/,
    breaks: (box) => box.configure({ sight: 'depot' }),
  },
  {
    check: configuration,
    fault: 'secret',
    remedy: /install -m 600/,
    breaks: (box) => rm(box.path('etc/wayside/secrets/mqtt')),
  },
  {
    check: agentConfiguration,
    fault: 'invalid',
    remedy: /wayside agent --check --config \S+agent\.yaml/,
    breaks: (box) => box.configureAgent({ model: 'A Car' }),
  },
  {
    check: agentConfiguration,
    fault: 'differs',
    remedy: /`box` the same value/,
    breaks: (box) => box.configureAgent({ box: 'two' }),
  },
  {
    check: agentConfiguration,
    fault: 'unlinked',
    remedy: /agent: \{ socket: \S+agent\.sock \}/,
    breaks: (box) => box.configure({ agent: undefined }),
  },
  {
    check: permissions,
    fault: 'secret-open',
    remedy: /chmod 600 \S+secrets\/mqtt/,
    breaks: (box) => chmod(box.path('etc/wayside/secrets/mqtt'), 0o644),
  },
  {
    check: permissions,
    fault: 'configuration-writable',
    remedy: /chmod go-w \S+wayside\.yaml/,
    breaks: (box) => chmod(box.config, 0o666),
  },
  {
    check: permissions,
    fault: 'configuration-unreadable',
    remedy: /chgrp wayside \S+wayside\.yaml/,
    breaks: (box) => chmod(box.config, 0o600),
    looks: { user: STRANGER },
  },
  {
    check: permissions,
    fault: 'store-writable',
    remedy: /chown -R wayside-agent:wayside \S+models/,
    breaks: (box) => chmod(box.path('var/lib/models'), 0o777),
  },
  {
    check: permissions,
    fault: 'store-unwritable',
    remedy: /chown -R wayside-agent:wayside \S+models/,
    breaks: (box) => box.write('var/lib/models/models/colours/current.json', '{}'),
    looks: { user: DAEMON, agentUser: STRANGER },
  },
  {
    check: permissions,
    fault: 'store-unreadable',
    remedy: /chmod -R \S+ \S+models/,
    breaks: (box) => box.write('var/lib/models/models/colours/current.json', '{}', 0o600),
    looks: { user: STRANGER, agentUser: DAEMON },
  },
  {
    check: permissions,
    fault: 'state',
    remedy: /chown -R wayside:wayside \S+var\/lib\/wayside/,
    looks: { user: STRANGER },
  },
  {
    check: permissions,
    fault: 'socket',
    remedy: /systemctl restart wayside-agent/,
    breaks: (box) => chmod(box.path('etc/wayside/agent.sock'), 0o777),
  },
  {
    check: units,
    fault: 'masked',
    remedy: /systemctl unmask wayside\.service/,
    breaks: (box) => symlink('/dev/null', box.path('etc/systemd/system/wayside.service')),
  },
  {
    check: units,
    fault: 'disabled',
    remedy: /systemctl enable --now wayside-agent\.service/,
    breaks: (box) => unlink(box.path('etc/systemd/system/multi-user.target.wants/wayside-agent.service')),
  },
  {
    check: units,
    fault: 'watchdog-off',
    remedy: /systemctl edit wayside\.service.*WatchdogSec=30/,
    breaks: (box) => box.write('etc/systemd/system/wayside.service.d/mine.conf', '[Service]\nWatchdogSec=0\n'),
  },
  {
    check: units,
    fault: 'down',
    remedy: /systemctl status wayside\.service/,
    breaks: (box) => box.program('systemctl', systemctl('failed', 0)),
  },
  {
    check: units,
    fault: 'restarts',
    remedy: /journalctl --unit=wayside\.service/,
    breaks: (box) => box.program('systemctl', systemctl('active', 12)),
  },
  { check: descriptors, fault: 'short', remedy: /LimitNOFILE=/, breaks: (box) => box.runs(Date.now(), 32) },
  { check: clock, fault: 'past', remedy: /timedatectl set-ntp true/, looks: { now: 86_400_000 } },
  {
    check: clock,
    fault: 'unsynchronized',
    remedy: /apt install chrony/,
    looks: { clock: () => ({ synced: false, errorMs: null }) },
  },
  {
    check: clock,
    fault: 'coarse',
    remedy: /nearer time server/,
    looks: { clock: () => ({ synced: true, errorMs: 2500 }) },
  },
  {
    check: temperature,
    fault: 'warm',
    remedy: /filter/,
    breaks: (box) => box.write('sys/class/thermal/thermal_zone0/temp', '78000\n'),
  },
  {
    check: temperature,
    fault: 'hot',
    remedy: /cool it now/,
    breaks: (box) => box.write('sys/class/thermal/thermal_zone0/temp', '91000\n'),
  },
  {
    check: throttling,
    fault: 'under-voltage',
    remedy: /power supply/,
    breaks: (box) => box.write('sys/devices/platform/soc/soc:firmware/get_throttled', '10001\n'),
  },
  {
    check: throttling,
    fault: 'slowed',
    remedy: /heat sink/,
    breaks: (box) => box.write('sys/devices/platform/soc/soc:firmware/get_throttled', '40004\n'),
  },
  {
    check: throttling,
    fault: 'slowed-before',
    remedy: /temperatureCelsius/,
    breaks: (box) => box.write('sys/devices/platform/soc/soc:firmware/get_throttled', '80000\n'),
  },
  {
    check: memory,
    fault: 'low',
    remedy: /ps -eo rss/,
    breaks: (box) => box.write('proc/meminfo', 'MemAvailable:      90000 kB\n'),
  },
  {
    check: memory,
    fault: 'killed',
    remedy: /journalctl --dmesg/,
    breaks: (box) => box.write('proc/vmstat', 'oom_kill 3\n'),
  },
  {
    check: disk,
    fault: 'full',
    remedy: /journalctl --vacuum-size/,
    breaks: (box) => box.configureAgent({ reserveMb: 1_000_000 }),
  },
  {
    check: disk,
    fault: 'missing',
    remedy: /systemd-tmpfiles --create wayside\.conf/,
    breaks: (box) => rm(box.path('var/lib/wayside'), { recursive: true }),
  },
  {
    check: disk,
    fault: 'read-only',
    remedy: /mount -o remount,rw \S+var\/lib/,
    breaks: (box) =>
      box.write('proc/mounts', `/dev/a / ext4 rw 0 0\n/dev/b ${box.path('var/lib')} ext4 ro,noatime 0 0\n`),
  },
  {
    check: wear,
    fault: 'worn',
    remedy: /plan a new disk/,
    breaks: (box) => box.write('sys/class/block/mmcblk0/device/life_time', '0x01 0x09\n'),
  },
  {
    check: wear,
    fault: 'spent',
    remedy: /replace the disk now/,
    breaks: (box) => box.write('sys/class/block/mmcblk0/device/life_time', '0x0b 0x01\n'),
  },
  { check: versions, fault: 'node-old', remedy: /apt install .*wayside/, looks: { node: '20.19.1' } },
  {
    check: versions,
    fault: 'ffmpeg-old',
    remedy: /backports ffmpeg/,
    breaks: async (box) => {
      await box.program('ffmpeg', ffmpeg('58. 76.100', BOTH));
      await withDecoder(box, { username: 'v', passwordFile: 'secrets/mqtt' });
    },
  },
  {
    check: versions,
    fault: 'systemd-old',
    remedy: /LoadCredential=NAME/,
    breaks: (box) => box.program('systemctl', systemctl('active', 0, 245)),
  },
  {
    check: versions,
    fault: 'stale',
    remedy: /systemctl restart wayside wayside-agent/,
    breaks: (box) => box.runs(Date.UTC(2020, 0, 1)),
  },
  { check: decoder, fault: 'missing', remedy: /apt install ffmpeg/, breaks: (box) => withDecoder(box) },
  {
    check: decoder,
    fault: 'no-codec',
    remedy: /which -a ffmpeg/,
    breaks: async (box) => {
      await box.program('ffmpeg', ffmpeg('60. 3.100', ' V....D mjpeg   MJPEG\\n'));
      await withDecoder(box);
    },
  },
];

/** CAP_SYS_ADMIN, bit 21 of the effective capabilities. */
function mayMount(): boolean {
  const capabilities = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return capabilities !== undefined && ((BigInt(`0x${capabilities}`) >> 21n) & 1n) === 1n;
}

/** A file system of ten inodes. */
const FULL: readonly BrokenCase[] = [
  {
    check: disk,
    fault: 'inodes',
    remedy: /du --inodes -x/,
    breaks: async (box) => {
      const path = box.path('var/lib/wayside');
      await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'nr_inodes=10,size=100M', 'tmpfs', path]);
      onTestFinished(async () => void (await promisify(execFile)('umount', [path])));
      for (let file = 0; file < 9; file++) await writeFile(`${path}/${file}`, '');
    },
  },
];

async function createBox(): Promise<BoxRoot> {
  const box = await BoxRoot.create();
  // Its owner, which here is the daemon, may not write to the store.
  await chmod(box.path('var/lib/models'), 0o555);
  onTestFinished(async () => {
    await chmod(box.path('var/lib/models'), 0o755);
    await rm(box.folder, { recursive: true, force: true });
  });
  await listen(box.path('etc/wayside/agent.sock'), 0o660);
  return box;
}

describe('a box on which something is broken', () => {
  const full = mayMount() ? FULL : [];
  const except = mayMount() ? [] : ['disk: inodes'];
  itFindsEach([...CASES, ...full], createBox, { usual: { user: DAEMON }, except });
});
