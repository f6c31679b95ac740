import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_ROOT, VERSION } from '../../../core/layout.ts';
import { DecoderCommands } from '../../camera/decoder-command.ts';
import { answerOf } from '../box.ts';
import { check } from '../check.ts';
import { runningProcesses } from '../processes.ts';

/** What package.json asks for, and the oldest line that is still maintained (nodejs.org/about/previous-releases, 2026). */
const [OLDEST_NODE, OLDEST_MAINTAINED] = [20, 22];
/** LoadCredential= of a folder, as the units use it, came with 250 (NEWS of systemd). */
const OLDEST_SYSTEMD = 250;

export const versions = check({
  name: 'versions',
  title: 'versions of the software',
  faults: {
    'node-old': {
      severity: 'warning',
      when: 'Node is of a line that is no longer maintained (before 22)',
      remedy: 'install the Debian package, which brings its own: `apt install ./wayside_*.deb`',
    },
    'ffmpeg-old': {
      severity: 'warning',
      when: 'ffmpeg before 5.1 decodes a camera with a password: it cannot be told to use TCP',
      remedy: '`apt install -t bookworm-backports ffmpeg`, or Debian 12 or newer',
    },
    'systemd-old': {
      severity: 'warning',
      when: 'systemd before 250: `LoadCredential=secrets:FOLDER` of the units brings no secrets',
      remedy: '`systemctl edit wayside`, with a line `LoadCredential=NAME:/etc/wayside/secrets/NAME` for each secret',
    },
    stale: {
      severity: 'failure',
      when: 'daemon or agent still run the software from before an upgrade, one perhaps of another version than the other',
      remedy: '`systemctl restart wayside wayside-agent`',
    },
  },
  async run(box, { ok, skipped, fault }) {
    const node = Number(box.node.split('.')[0]);
    if (node < OLDEST_MAINTAINED)
      fault('node-old', `${box.node}, ${OLDEST_NODE} is the oldest that works`, { subject: 'node' });
    else ok(box.node, 'node');

    const cameras = box.daemon.config?.cameras ?? [];
    const passwords = cameras.some(({ username, url }) => username !== undefined && url.startsWith('rtsp:'));
    const commands = new DecoderCommands();
    const ffmpeg = await commands
      .ffmpegFor(cameras[0]?.decoder === undefined ? {} : { decoder: cameras[0].decoder })
      .catch(() => undefined);
    if (ffmpeg === undefined) skipped('no ffmpeg: see `decoder`', 'ffmpeg');
    else if (!ffmpeg.listsOptions && passwords) fault('ffmpeg-old', ffmpeg.version, { subject: 'ffmpeg' });
    else ok(ffmpeg.version, 'ffmpeg');

    const systemd = /^systemd (\d+)/.exec((await answerOf(box, 'systemctl', ['--version'])) ?? '')?.[1];
    if (systemd === undefined) skipped('not here', 'systemd');
    else if (Number(systemd) < OLDEST_SYSTEMD) fault('systemd-old', systemd, { subject: 'systemd' });
    else ok(systemd, 'systemd');

    const installed = (await stat(join(PACKAGE_ROOT, 'package.json'))).ctimeMs;
    for (const { role, pid, startedAt } of await runningProcesses(box)) {
      const subject = `${role} ${pid}`;
      if (startedAt === undefined) skipped('it does not tell when it started', subject);
      else if (startedAt < installed)
        fault(
          'stale',
          `runs since ${new Date(startedAt).toISOString()}, ${VERSION} was installed ${new Date(installed).toISOString()}`,
          { subject },
        );
      else ok(VERSION, subject);
    }
  },
});
