import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '../../../core/errors.ts';
import { PackagingError } from '../registry.ts';

/** What an archive is signed with: all its keys sign, so that boxes can be moved from an old one to a new one. */
export interface ArchiveKeys {
  /** Text with its signature around it (RFC 9580, section 7). */
  readonly clearsign: (text: string, seconds: number) => Promise<string>;
  /** The signature alone, armoured. */
  readonly detach: (text: string, seconds: number) => Promise<string>;
  /** Public halves, one behind the other, as `Signed-By` wants them. */
  readonly publicKeys: Uint8Array;
}

/**
 * Secret keys as GnuPG exports them: `gpg --armor --export-secret-keys`.
 *
 * @param passphrase of those that have one
 * @throws {PackagingError}
 */
export async function archiveKeys(files: readonly string[], passphrase: string | undefined): Promise<ArchiveKeys> {
  // Only who makes an archive has it; a signature must be the same when it is made again, so no random notation goes in.
  const { readPrivateKey, decryptKey, sign, createMessage, createCleartextMessage } = await import('openpgp');
  const config = { nonDeterministicSignaturesViaNotation: false, showComment: false, showVersion: false };
  const opened = async (file: string) => {
    if (!existsSync(file)) throw new PackagingError(`${file}: there is no such key`);
    try {
      const privateKey = await readPrivateKey({ armoredKey: readFileSync(file, 'utf8') });
      if (privateKey.isDecrypted()) return privateKey;
      if (passphrase === undefined) throw new PackagingError('it has a passphrase: name its file by --passphrase-file');
      return await decryptKey({ privateKey, passphrase });
    } catch (cause) {
      throw new PackagingError(`${file}: expected an armoured OpenPGP secret key: ${messageOf(cause)}`, { cause });
    }
  };
  const signingKeys = await Promise.all(files.map(opened));
  const publicKeys = Buffer.concat(signingKeys.map((key) => key.toPublic().write()));
  const dated = (seconds: number) => ({ signingKeys, date: new Date(seconds * 1000), config });
  return {
    publicKeys,
    async clearsign(text, seconds) {
      return sign({ message: await createCleartextMessage({ text }), ...dated(seconds) });
    },
    async detach(text, seconds) {
      const message = await createMessage({ binary: Buffer.from(text) });
      return sign({ message, detached: true, ...dated(seconds) });
    },
  };
}
