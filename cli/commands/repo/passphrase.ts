import { Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import { readNamedFile } from '../../../core/files.ts';
import { integer } from '../../options/common.ts';
import { askUnseen, readDescriptor } from '../../secret-input.ts';

export interface PassphraseOptions {
  readonly passphraseFile?: string;
  readonly passphraseFd?: number;
}

/** Never an argument: everybody on the machine could read it. */
export const passphraseOptions = (): Option[] => [
  new Option(
    '--passphrase-file <file>',
    'file with the passphrase on its first line (default: asked for on the terminal)',
  ),
  new Option('--passphrase-fd <n>', 'open file descriptor that the passphrase is read from').argParser(
    integer(0, 1024),
  ),
];

const unusable = (message: string): WaysideError =>
  new WaysideError('USAGE', { message, hint: 'give it with --passphrase-file or --passphrase-fd, or on a terminal' });

/** @throws {WaysideError} USAGE, FILE_NOT_FOUND */
export async function readPassphrase(
  { passphraseFile, passphraseFd }: PassphraseOptions,
  { prompt, twice = false }: { readonly prompt: string; readonly twice?: boolean },
): Promise<string> {
  if (passphraseFile !== undefined && passphraseFd !== undefined) throw unusable('there are two passphrases');
  const given =
    passphraseFile !== undefined
      ? (await readNamedFile(passphraseFile)).toString('utf8')
      : passphraseFd !== undefined
        ? await fromDescriptor(passphraseFd)
        : await ask(prompt);
  const passphrase = given.split(/\r?\n/)[0] ?? '';
  if (passphrase === '') throw unusable('the passphrase is empty');
  const asked = passphraseFile === undefined && passphraseFd === undefined;
  if (twice && asked && (await ask('Once more: ')) !== passphrase) throw unusable('the two passphrases differ');
  return passphrase;
}

async function fromDescriptor(fd: number): Promise<string> {
  const text = await readDescriptor(fd);
  if (text === undefined) throw unusable(`the descriptor ${fd} cannot be read`);
  return text;
}

/** @throws {WaysideError} USAGE */
async function ask(prompt: string): Promise<string> {
  const line = await askUnseen(prompt);
  if (line === undefined) throw unusable('no passphrase was given');
  return line;
}
