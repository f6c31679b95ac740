import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Sensors that are not the processor's: batteries, network chips and disks are warm or cold for reasons of their own. */
const NOT_PROCESSOR = /batter|wifi|iwl|nvme|acpitz/i;

const read = async (path: string): Promise<string | undefined> => {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return undefined; // no such sensor, or none that can be read now: "not seen"
  }
};

/**
 * The hottest processor sensor in °C; null where there is none. Where every sensor is of another kind, the hottest of these.
 *
 * @param root replaced in tests
 */
export async function temperatureCelsius(root = '/sys/class/thermal'): Promise<number | null> {
  let zones: string[];
  try {
    zones = (await readdir(root)).filter((name) => name.startsWith('thermal_zone'));
  } catch {
    return null;
  }
  const seen = await Promise.all(
    zones.map(async (zone) => {
      const [type, text] = await Promise.all([read(join(root, zone, 'type')), read(join(root, zone, 'temp'))]);
      const milli = text === undefined || text === '' ? Number.NaN : Number(text);
      return { type: type ?? '', celsius: milli / 1000 };
    }),
  );
  // Sensors that are off report 0 or absurd values (-274 °C is seen on arm64 boards).
  const plausible = seen.filter(({ celsius }) => celsius > -40 && celsius < 150 && celsius !== 0);
  const processor = plausible.filter(({ type }) => !NOT_PROCESSOR.test(type));
  const chosen = processor.length > 0 ? processor : plausible;
  return chosen.length === 0 ? null : Math.max(...chosen.map(({ celsius }) => celsius));
}

/** Bits 0 to 3 of `vcgencmd get_throttled`: under-voltage, frequency capped, throttled, soft temperature limit, all *now*. */
const NOW_BITS = 0xf;

export function parseThrottled(output: string): boolean | null {
  const bits = /throttled=0x([0-9a-f]+)/i.exec(output)?.[1];
  return bits === undefined ? null : (Number.parseInt(bits, 16) & NOW_BITS) !== 0;
}

/**
 * Whether the board slows itself down now; null where it does not tell. Asks the Raspberry Pi's firmware through sysfs, or
 * `vcgencmd` where the kernel is older; other boards have no common place for it.
 */
export async function throttled(
  sysfs = '/sys/devices/platform/soc/soc:firmware/get_throttled',
  device = '/dev/vcio',
): Promise<boolean | null> {
  const text = await read(sysfs);
  if (text !== undefined) return parseThrottled(`throttled=0x${text.replace(/^0x/, '')}`);
  // Only a Raspberry Pi has the device; a child is not started in vain elsewhere.
  if (existsSync(device)) {
    return await new Promise((resolve) => {
      execFile('vcgencmd', ['get_throttled'], { timeout: 2000 }, (error, stdout) => {
        resolve(error === null ? parseThrottled(stdout) : null);
      });
    });
  }
  return null;
}
