import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { SKIPPED_FOR } from './skip-reason.ts';

/** `../shared/data` beside the checkout, or the folder named by `WAYSIDE_SHARED_DATA`; undefined where it is absent. */
export function sharedData(): string | undefined {
  const folder = process.env['WAYSIDE_SHARED_DATA'] ?? join(PACKAGE_ROOT, '..', 'shared', 'data');
  return existsSync(join(folder, 'README.md')) ? folder : undefined;
}

/** Debian keeps servers such as mosquitto in `sbin`, which is not on everyone's PATH. */
const EXTRA_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Absolute path of a system program, undefined where it is not installed. */
export function program(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...EXTRA_FOLDERS];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Debian package of a program, where it has another name. */
const PACKAGES: Readonly<Record<string, string>> = {
  ffprobe: 'ffmpeg',
  mosquitto_passwd: 'mosquitto',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  'systemd-analyze': 'systemd',
  'systemd-nspawn': 'systemd-container',
  ps: 'procps',
  'dpkg-deb': 'dpkg',
  xz: 'xz-utils',
  chronyd: 'chrony',
  'softhsm2-util': 'softhsm2',
  'pkcs11-tool': 'opensc',
};

/** What a group of tests needs: `data` (the shared data folder), a system program by name, or a fact with its own words. */
export type Need = 'data' | (string & {}) | { readonly name: string; readonly met: boolean; readonly hint: string };

function whyMissing(need: Need): string | undefined {
  if (typeof need === 'object') return need.met ? undefined : `${need.name}: ${need.hint}`;
  if (need === 'data') return sharedData() === undefined ? 'the data folder ../shared/data' : undefined;
  return program(need) === undefined ? `the program ${need} (apt install ${PACKAGES[need] ?? need})` : undefined;
}

/** A `describe` that runs where everything it needs is there; elsewhere its tests are skipped and the reason is in its name. */
export function describeWith({ needs }: { readonly needs: readonly Need[] }, name: string, define: () => void): void {
  const missing = needs.map(whyMissing).filter((reason) => reason !== undefined);
  if (missing.length === 0) describe(name, define);
  else describe.skip(`${name}${SKIPPED_FOR}${missing.join('; ')}]`, define);
}
