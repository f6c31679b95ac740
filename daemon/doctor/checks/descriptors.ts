import { filesShort } from '../../file-descriptors.ts';
import { systemText } from '../box.ts';
import { check } from '../check.ts';
import { runningProcesses } from '../processes.ts';

/** Of an idle daemon: pipes, sockets, and what Node keeps open. */
const OPEN_AT_START = 30;

export const descriptors = check({
  name: 'descriptors',
  title: 'file descriptors of the daemon',
  faults: {
    short: {
      severity: 'failure',
      when: 'fewer are allowed than its cameras need: some will stay dark',
      remedy: '`systemctl edit wayside`, with `[Service]` and `LimitNOFILE=8192`, then `systemctl restart wayside`',
    },
  },
  async run(box, { ok, skipped, fault }) {
    const cameras = box.daemon.config?.cameras.length;
    if (cameras === undefined) return skipped('the configuration cannot be read');
    const [daemon] = (await runningProcesses(box)).filter(({ role }) => role === 'daemon');
    if (daemon === undefined) return skipped('the daemon does not run');
    const soft = /^Max open files\s+(\d+)/m.exec((await systemText(box, `proc/${daemon.pid}/limits`)) ?? '')?.[1];
    if (soft === undefined) return skipped('its limits cannot be read: run this as root');
    const short = filesShort(cameras, OPEN_AT_START, Number(soft));
    if (short === undefined) ok(`${soft} allowed`);
    else fault('short', short);
  },
});
