import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf } from '../../core/errors.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { ARCHITECTURES, type Architecture } from './platform.ts';
import { PackagingError } from './registry.ts';

const USAGE = `usage: npm run package -- [--arch amd64|arm64]... [--out DIR] [--level 0..9] [--tar]
       [--maintainer 'NAME <ADDRESS>']
       [--apt DIR --key FILE... [--passphrase-file FILE] [--valid-days N]]`;

/** What `npm run package` is asked for. */
export interface PackageOptions {
  readonly architectures: readonly Architecture[];
  readonly out: string;
  readonly level: number;
  /** The same content for boxes without apt. */
  readonly tar: boolean;
  readonly apt: AptOptions | undefined;
  /** Who ships it. @default `author` of package.json */
  readonly maintainer: string | undefined;
}

interface AptOptions {
  readonly folder: string;
  readonly keys: readonly string[];
  readonly passphrase: string | undefined;
  readonly validDays: number | undefined;
}

const OPTIONS = {
  arch: { type: 'string', multiple: true, default: [arch() === 'arm64' ? 'arm64' : 'amd64'] },
  out: { type: 'string', default: 'out' },
  level: { type: 'string', default: '9' },
  tar: { type: 'boolean', default: false },
  apt: { type: 'string' },
  maintainer: { type: 'string' },
  key: { type: 'string', multiple: true, default: [] },
  'passphrase-file': { type: 'string' },
  'valid-days': { type: 'string' },
} satisfies NonNullable<ParseArgsConfig['options']>;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function aptOptions(values: Values): AptOptions | undefined {
  const { apt, key, 'passphrase-file': passphraseFile, 'valid-days': days } = values;
  if (apt === undefined) {
    if (key.length > 0 || passphraseFile !== undefined || days !== undefined) throw new PackagingError(USAGE);
    return undefined;
  }
  if (values.tar) throw new PackagingError('--tar: an apt archive holds Debian packages');
  if (key.length === 0)
    throw new PackagingError('--apt: an archive is signed: name the secret key by --key (docs/guide/apt-archive.md)');
  if (days !== undefined && !/^[1-9]\d{0,3}$/.test(days)) throw new PackagingError(USAGE);
  const passphrase = passphraseFile === undefined ? undefined : passphraseIn(passphraseFile);
  const validDays = days === undefined ? undefined : Number(days);
  return { folder: resolve(apt), keys: key, passphrase, validDays };
}

/** @throws {PackagingError} */
function passphraseIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new PackagingError(`--passphrase-file: ${messageOf(cause)}`, { cause });
  }
}

/** @throws {PackagingError} */
export function packageOptions(args: readonly string[]): PackageOptions {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const architectures = ARCHITECTURES.filter((each) => values.arch.includes(each));
  const unknown = values.arch.some((each) => !ARCHITECTURES.some((known) => known === each));
  if (unknown || !/^\d$/.test(values.level)) throw new PackagingError(USAGE);
  const { out, level, tar, maintainer } = values;
  // Debian policy 5.6.2
  if (maintainer !== undefined && !/^[^<>\s][^<>\n]* <[^<>@\s]+@[^<>@\s]+>$/.test(maintainer))
    throw new PackagingError(`--maintainer: expected 'NAME <ADDRESS>', found '${maintainer}'`);
  return { architectures, out: resolve(out), level: Number(level), tar, apt: aptOptions(values), maintainer };
}

function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new PackagingError(`SOURCE_DATE_EPOCH: expected seconds since 1970, found ${text}`);
  return value;
}

/** The time of the commit: two builds of it give the same bytes. https://reproducible-builds.org/specs/source-date-epoch */
export const sourceTime = (): number =>
  seconds(
    process.env['SOURCE_DATE_EPOCH'] ??
      execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: PACKAGE_ROOT, encoding: 'utf8' }),
  );

/** An archive says when it was signed; apt takes none that is older than the one it has. */
export const signingTime = (): number =>
  seconds(process.env['SOURCE_DATE_EPOCH'] ?? String(Math.floor(Date.now() / 1000)));
