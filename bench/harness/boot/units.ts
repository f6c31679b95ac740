import type { BootedDebian } from './booted-debian.ts';

type Unit = 'wayside' | 'wayside-agent';
export const UNITS: readonly Unit[] = ['wayside', 'wayside-agent'];

async function propertyOf(debian: BootedDebian, unit: Unit, name: string): Promise<number> {
  return Number(await debian.do(`systemctl show ${unit} --property=${name} --value`));
}

/** From the start of the process to its READY=1, s. */
export async function readyAfter(debian: BootedDebian, unit: Unit): Promise<number> {
  const [started, ready] = await Promise.all(
    ['ExecMainStartTimestampMonotonic', 'ActiveEnterTimestampMonotonic'].map((name) => propertyOf(debian, unit, name)),
  );
  if (started === undefined || ready === undefined || ready < started) throw new Error(`${unit} is not ready`);
  return (ready - started) / 1e6;
}

/** Proportional set size of the processes of both units, bytes: what they share with each other counts once. */
export async function memoryOf(debian: BootedDebian, except: string): Promise<number> {
  const listed = await debian.do(
    `for pid in $(pgrep --uid wayside,wayside-agent); do
       grep --quiet --text '${except}' /proc/$pid/cmdline || cat /proc/$pid/smaps_rollup
     done`,
  );
  const shares = [...listed.matchAll(/^Pss: +(\d+) kB$/gm)].map(([, kilobytes]) => Number(kilobytes) * 1024);
  if (shares.length < UNITS.length) throw new Error('the units do not run');
  return shares.reduce((sum, share) => sum + share, 0);
}

/** What `systemd-analyze security` calls "exposure", 0 to 10. @param unit absolute path of the unit file, inside */
export async function exposureOf(debian: BootedDebian, unit: string): Promise<number> {
  const text = await debian.do(`systemd-analyze security --offline=true --no-pager ${unit}`);
  const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(text)?.[1]);
  if (!Number.isFinite(exposure)) throw new Error(`no exposure of ${unit}: ${text}`);
  return exposure;
}
