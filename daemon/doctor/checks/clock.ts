import { check } from '../check.ts';

/** The first commit of this software lies behind it: no box can have been installed before. */
const EARLIEST = Date.UTC(2025, 0, 1);
/** Counts are by the second; a frame's time is wrong by as much as the clock. */
const MOST_ERROR_MS = 1000;

export const clock = check({
  name: 'clock',
  title: 'clock',
  faults: {
    past: {
      severity: 'failure',
      when: 'it stands before the software was made (1970: no battery, and no time server was reached)',
      remedy: '`timedatectl set-ntp true`, and let the box reach a time server (UDP port 123)',
    },
    unsynchronized: {
      severity: 'warning',
      when: 'nothing has steered it for long: every message says so, and updates cannot be judged by date',
      remedy: '`timedatectl timesync-status`, or `chronyc tracking`; without a time daemon: `apt install chrony`',
    },
    coarse: {
      severity: 'warning',
      when: 'its possible error is above 1 s',
      remedy: 'name a nearer time server: `chronyc sources`, or NTP= in /etc/systemd/timesyncd.conf',
    },
  },
  run({ now, clock: read }, { ok, skipped, fault }) {
    const shown = new Date(now).toISOString();
    if (now < EARLIEST) return fault('past', shown);
    const { synced, errorMs } = read();
    if (synced === null) return skipped(`${shown}; the kernel does not say whether it is synchronized`);
    if (!synced) return fault('unsynchronized', shown);
    const within = errorMs === null ? '' : `, within ${errorMs.toFixed(errorMs < 10 ? 1 : 0)} ms`;
    if (errorMs !== null && errorMs > MOST_ERROR_MS) return fault('coarse', `${shown}${within}`);
    ok(`${shown}, synchronized${within}`);
  },
});
