import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { TelemetryMessage } from '../../contract/messages/telemetry.ts';
import { boxDeb } from '../../scripts/package/build.ts';
import { debOf } from '../../scripts/package/deb.ts';
import { QemuDebian } from '../support/qemu-debian.ts';
import { describeWith } from '../support/requirements.ts';
import { until } from '../support/until.ts';

const needs = [
  { name: 'to be asked', met: process.env['WAYSIDE_QEMU'] === '1', hint: 'npm run test:qemu, some minutes' },
  { name: 'root', met: process.getuid?.() === 0, hint: 'a chroot and mounts' },
  { name: 'amd64', met: process.arch === 'x64', hint: 'the machine is of that kind' },
  'qemu-system-x86_64',
  'debootstrap',
  'cpio',
  'xz',
];
/** Ends what hangs: the machine's own clock is slower than this one. */
const WITHIN_MS = 900_000;
vi.setConfig({ testTimeout: 1_800_000 });
const DAY_MS = 86_400_000;

const CGROUP = '/sys/fs/cgroup/system.slice/wayside.service';
const GREEDY = '/var/lib/wayside/greedy';
/**
 * Writes five grey frames a second; while there is the file, it wants more memory than there is. How much is a variable: perl would make a
 * constant string of that length when it compiles, in every decoder, and the daemon would end each for its memory.
 */
const DECODER = `#!/usr/bin/perl
$| = 1;
while (1) {
  if (-e '${GREEDY}') { my $much = 1 << 30; my $hoard = 'x' x $much; sleep 60; }
  print "P6 64 48 255\\n", "x" x (64 * 48 * 3);
  select(undef, undef, undef, 0.2);
}
`;
const CONFIG = {
  site: 'test',
  box: 'box',
  mqtt: { url: 'mqtt://127.0.0.1:1883' },
  model: { store: '/var/lib/wayside-models', name: 'street-grid' },
  cameras: [{ id: 'north', url: 'rtsp://127.0.0.1:1/', rate: 5, decoder: { command: ['/usr/local/bin/frames', '-'] } }],
  telemetry: { intervalSeconds: 1 },
};

/** What neither a container nor this machine can be: without the time, and at the end of its memory. */
describeWith({ needs }, 'a Debian 12 with a kernel of its own', () => {
  let folder: string;
  let running: QemuDebian | undefined;
  const debian = (): QemuDebian => {
    if (running === undefined) throw new Error('the machine was not started');
    return running;
  };
  const write = (path: string, text: string): Promise<string> =>
    debian().do(`echo ${Buffer.from(text).toString('base64')} | base64 -d > ${path}`);
  /**
   * Waits in there: with a question after the other over its serial line the machine had little time left for a decoder that asks for memory,
   * and the daemon could take it for stalled before it had enough.
   */
  const holds = (condition: string): Promise<string> => debian().do(`until ${condition}; do sleep 1; done`, WITHIN_MS);
  /** The next message of a topic of the box, within a minute of the machine's own time. */
  const next = async <T>(topic: string): Promise<T> =>
    JSON.parse(await debian().do(`mosquitto_sub -h 127.0.0.1 -R -C 1 -W 60 -t 'wayside/v1/test/box/${topic}'`)) as T;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-qemu-'));
    const deb = join(folder, 'wayside.deb');
    await writeFile(deb, await debOf({ ...boxDeb('amd64', 1_700_000_000), level: 0 }));
    running = await QemuDebian.start(join(folder, 'machine'), deb, '1970-01-01T00:00:00');
  }, 1_200_000);
  // Another look at it takes minutes.
  beforeEach(({ onTestFailed }) =>
    onTestFailed(async () => {
      const { stdout } = await debian().run('journalctl --no-pager --lines=60; systemctl status --no-pager wayside');
      process.stderr.write(stdout);
    }),
  );
  afterAll(async () => {
    await running?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('boots in 1970, and its daemon says what it sees and that its clock is wrong', async () => {
    await write('/usr/local/bin/frames', DECODER);
    // systemd does not boot before the day it was built on; a clock that nothing has set is in 1970 all the same.
    await debian().do('chmod 755 /usr/local/bin/frames && date --set=@86400');
    await write('/etc/wayside/wayside.yaml', JSON.stringify(CONFIG));
    const { capturedAt, clock } = await next<TelemetryMessage>('camera/north/detections');
    expect(Date.parse(capturedAt)).toBeLessThan(2 * DAY_MS);
    expect(clock).toEqual({ synced: false, errorMs: null });
    expect(await debian().do('systemctl is-active wayside wayside-agent')).toBe('active\nactive\n');
  });

  it('goes on when the clock is set by decades, and counts that', async () => {
    const pid = await debian().do('systemctl show wayside --property=MainPID --value');
    await debian().do("date --set='2026-11-26 12:00:00 UTC' && touch /run/systemd/timesync/synchronized");
    const telemetry = await until(
      'telemetry of today',
      async () => {
        const message = await next<TelemetryMessage>('telemetry');
        return message.clockSteps.count > 0 && message.clock.synced === true && message;
      },
      WITHIN_MS,
    );
    expect(telemetry.clock.errorMs).toBeLessThan(1000);
    // What was captured just before may still be on its way.
    await until(
      'a frame of today',
      async () =>
        Date.parse((await next<TelemetryMessage>('camera/north/detections')).capturedAt) > Date.UTC(2026, 10, 26),
      WITHIN_MS,
    );
    expect(await debian().do('systemctl show wayside --property=MainPID --value')).toBe(pid);
  });

  it('loses what wants more memory than the unit may have, and no more than that', async () => {
    const pid = await debian().do('systemctl show wayside --property=MainPID --value');
    expect(await debian().do(`cat ${CGROUP}/memory.events`)).toMatch(/^oom_kill 0$/m);
    await debian().do(`systemctl set-property --runtime wayside MemoryMax=400M && touch ${GREEDY}`);
    await holds(`grep -q '^oom_kill [1-9]' ${CGROUP}/memory.events`);
    await debian().do(`rm ${GREEDY}`);
    await next('camera/north/detections');
    expect(await debian().do('systemctl show wayside --property=MainPID --value')).toBe(pid);
  });

  it('is there again when the kernel kills the supervisor', async () => {
    const pid = (await debian().do('systemctl show wayside --property=MainPID --value')).trim();
    // The kernel ends what has most memory, this share of the limit in thousandths on top. Children have 500 of themselves: a decoder with
    // 320 MB counted for more than the supervisor with its 92 and all of the limit. So nobody of the daemon's is greedy, but one who may
    // not be ended: without the supervisor there is room for it.
    await debian().do(
      `echo 1000 > /proc/${pid}/oom_score_adj && cat > /tmp/hoard <<'END'
echo $$ > ${CGROUP}/cgroup.procs
echo -1000 > /proc/$$/oom_score_adj
exec perl -e 'my $much = 340 << 20; my $hoard = "x" x $much; sleep 600'
END
setsid sh /tmp/hoard > /dev/null 2>&1 &`,
    );
    await holds(`systemctl show wayside --property=MainPID --value | grep -qvx -e ${pid} -e 0`);
    await next('camera/north/detections');
    expect(await debian().do('journalctl --dmesg --no-pager')).toContain(`Killed process ${pid} `);
    const journal = await debian().do('journalctl --unit=wayside --no-pager');
    expect(journal).toMatch(/Main process exited, code=killed[\s\S]*Scheduled restart job, restart counter is at 1\./);
  });
});
