import { Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import type { Signer } from '../../../deploy/repository/keys/signer.ts';
import { type PassphraseOptions, passphraseOptions, readPassphrase } from './passphrase.ts';

export interface SigningOptions extends PassphraseOptions {
  readonly key?: readonly string[];
  readonly signer?: string;
  readonly publicKey?: string;
}

export const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

export const signingOptions = (): Option[] => [
  new Option(
    '--key <file>',
    'key file of `wayside repo key`; may be given several times, with one passphrase',
  ).argParser(several),
  ...passphraseOptions(),
  new Option(
    '--signer <command>',
    'a command that signs instead: gets what is to be signed on stdin, prints the signature (DER for ECDSA)',
  ),
  new Option('--public-key <file>', 'public key of --signer: a .pub file, or PEM'),
];

/** @throws {WaysideError} USAGE, SIGNING_KEY, FILE_NOT_FOUND */
export async function openSigners(options: SigningOptions): Promise<readonly Signer[]> {
  const { key = [], signer, publicKey } = options;
  if ((signer === undefined) !== (publicKey === undefined)) {
    throw new WaysideError('USAGE', { message: '--signer and --public-key go together' });
  }
  if (key.length === 0 && signer === undefined) {
    throw new WaysideError('USAGE', { message: 'nothing to sign with', hint: 'name a key file: --key FILE' });
  }
  const [{ openKeyFile, readPublicKey }, { commandSigner }] = await Promise.all([
    import('../../../deploy/repository/keys/key-file.ts'),
    import('../../../deploy/repository/keys/command-signer.ts'),
  ]);
  const signers: Signer[] = [];
  let given: string | undefined;
  for (const path of key) {
    const asked = options.passphraseFile === undefined && options.passphraseFd === undefined;
    const passphrase = async (): Promise<string> => {
      if (given === undefined || asked) given = await readPassphrase(options, { prompt: `Passphrase of ${path}: ` });
      return given;
    };
    signers.push(await openKeyFile(path, passphrase));
  }
  if (signer !== undefined && publicKey !== undefined) {
    signers.push(commandSigner(signer, await readPublicKey(publicKey)));
  }
  return signers;
}
