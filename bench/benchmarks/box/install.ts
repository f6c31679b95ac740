import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { BootedDebian, bareDebian } from '../../harness/boot/booted-debian.ts';
import { exposureOf, memoryOf, readyAfter, UNITS } from '../../harness/boot/units.ts';
import { mosquittoIn } from '../../harness/site/broker.ts';
import { type Listener, listenTo } from '../../harness/site/listener.ts';

const CAMERA = 'north';
const BASE = process.env['WAYSIDE_DEBIAN'] ?? join(tmpdir(), 'wayside-bookworm');
const WITHIN = { timeoutMs: 60_000, what: 'a detection' };
/** The agent looks, the heap settles, the camera's rate is steady. */
const SETTLED_MS = 20_000;

/** Five grey frames a second, as any decoder writes them; perl is part of every Debian. */
const DECODER = `#!/usr/bin/perl
$| = 1;
while (1) { print "P6 640 360 255\\n", "x" x (640 * 360 * 3); select(undef, undef, undef, 0.2); }
`;

/** Debian's own units of programs that a box has as well, and of one that is known for being closed. */
const OTHERS = [
  ['mosquitto', 'mosquitto.service'],
  ['chrony', 'chrony.service'],
  ['caddy', 'caddy.service'],
] as const;

const configuration = (url: string): string =>
  JSON.stringify({
    site: 'bench',
    box: 'box',
    mqtt: { url, username: 'box', passwordFile: '/run/credentials/wayside.service/secrets_mqtt' },
    model: { store: '/var/lib/wayside-models', name: 'street-grid' },
    cameras: [
      { id: CAMERA, url: 'rtsp://127.0.0.1:1/', rate: 5, decoder: { command: ['/usr/local/bin/frames', '-'] } },
    ],
  });

async function makePackage(out: string): Promise<string> {
  await promisify(execFile)(process.execPath, [join(PACKAGE_ROOT, 'dist/scripts/package.js'), '--out', out]);
  const name = (await readdir(out)).find((each) => each.endsWith('.deb'));
  if (name === undefined) throw new Error(`no package in ${out}`);
  return join(out, name);
}

/** Longest time between two detections from now on until one after `act` is done, s. */
async function gapDuring(listener: Listener, act: () => Promise<unknown>): Promise<number> {
  const times = [performance.now()];
  const stop = listener.on('detections', ({ at }) => times.push(at));
  await act();
  await listener.until('detections', () => true, WITHIN);
  stop();
  return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at))) / 1000;
}

async function exposures(debian: BootedDebian): Promise<Figure[]> {
  const measure = 'exposure';
  const figures: Figure[] = [];
  for (const unit of UNITS) {
    const value = await exposureOf(debian, `/usr/lib/systemd/system/${unit}.service`);
    figures.push({ subject: `${unit}.service`, measure, value, unit: '', limit: { atMost: 1.3 } });
  }
  await debian.do('apt-get update --quiet');
  for (const [name, unit] of OTHERS) {
    await debian.do(
      `mkdir -p /tmp/${name} && cd /tmp/${name} && apt-get download ${name} && dpkg-deb --extract *.deb .`,
    );
    const value = await exposureOf(debian, `/tmp/${name}/lib/systemd/system/${unit}`);
    figures.push({ subject: `${unit} of Debian 12`, measure, value, unit: '' });
  }
  return figures;
}

export const install: Benchmark = {
  name: 'install',
  title: 'The package in a Debian that boots',
  method:
    'The .deb of this machine, by the commands of the guide, in a bare Debian 12 under systemd-nspawn, with mosquitto and a subscriber outside. First detection: from `apt install` ' +
    'to the first message, machine time of all commands, secrets and configuration lying ready. Ready: from the start of the process to READY=1. Memory: proportional set size of all processes of ' +
    'both units without the decoder, waiting for their configurations, and with one camera at 5 frames a second and the default model. Upgrade: the longest time between two detections while the ' +
    'package is installed over itself. Exposure: `systemd-analyze security --offline=true`, 0 is closed and 10 is open.',
  layout: 'grids',
  needs: ['mosquitto', 'debootstrap', 'systemd-nspawn'],
  async run({ scratch, say }) {
    if (process.getuid?.() !== 0) return { skipped: 'needs root, for namespaces and mounts' };
    say('packing');
    const deb = await makePackage(join(scratch, 'out'));
    const broker = await mosquittoIn(scratch);
    await broker.start();
    const listener = await listenTo(broker.url, 'wayside/v1/bench/box', CAMERA);
    const debian = await BootedDebian.start(await bareDebian(BASE), join(scratch, 'machine'));
    const figures: Figure[] = [];
    const figure = (measure: string, value: number, unit: string, limit?: Figure['limit']): void =>
      void figures.push({ subject: 'the package', measure, value, unit, ...(limit === undefined ? {} : { limit }) });
    try {
      await debian.write('/root/wayside.deb', await readFile(deb));
      await debian.write('/usr/local/bin/frames', DECODER, 0o755);
      await debian.write('/root/wayside.yaml', configuration(broker.url));
      say('installing');
      const install = 'apt-get install --yes --no-install-recommends /root/wayside.deb';
      const begun = performance.now();
      await debian.do(install);
      const installed = (performance.now() - begun) / 1000;
      await delay(SETTLED_MS);
      const idle = await memoryOf(debian, '/usr/local/bin/frames');
      const goneOn = performance.now();
      const first = listener.until('detections', () => true, WITHIN);
      await debian.do(
        'echo secret | install -m 600 /dev/stdin /etc/wayside/secrets/mqtt && cp /root/wayside.yaml /etc/wayside/wayside.yaml && systemctl restart wayside',
      );
      const detected = installed + ((await first).at - goneOn) / 1000;
      const ready = await Promise.all(UNITS.map((unit) => readyAfter(debian, unit)));
      say('under load');
      await delay(SETTLED_MS);
      const loaded = await memoryOf(debian, '/usr/local/bin/frames');
      const gap = await gapDuring(listener, () => debian.do('dpkg --install /root/wayside.deb'));
      figure('.deb', (await stat(deb)).size / 1e6, 'MB', { atMost: 40 });
      const kibibytes = Number(await debian.do(`dpkg-query --show --showformat='\${Installed-Size}' wayside`));
      figure('installed', (kibibytes * 1024) / 1e6, 'MB', { atMost: 150 });
      figure('apt install', installed, 's');
      figure('first detection', detected, 's', { atMost: 30 });
      figure('daemon ready', ready[0] ?? Number.NaN, 's');
      figure('agent ready', ready[1] ?? Number.NaN, 's');
      figure('memory, waiting', idle / 1e6, 'MB');
      figure('memory, one camera', loaded / 1e6, 'MB');
      figure('without frames, upgrade', gap, 's', { atMost: 5 });
      say('exposure');
      figures.push(...(await exposures(debian)));
    } finally {
      await debian.stop();
      await listener.close();
      await broker.stop();
    }
    return {
      figures,
      notes: [
        'The decoder is a stand-in that writes frames, without ffmpeg, whose memory depends on the stream.',
        'systemd 252 in the container.',
      ],
    };
  },
};
