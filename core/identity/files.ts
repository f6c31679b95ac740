import { readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError, messageOf, WaysideError } from '../errors.ts';
import { syncFolder, writeFileAtomic } from '../files.ts';
import { extended, type IdentityChain, newChain, newestOf, readChain } from './chain.ts';
import { type Identity, identityOf, makeIdentityKey } from './key.ts';

/** Where the key of a box and its public half lie, below the folder of the configuration. */
export const identityFiles = (folder: string): IdentityFiles => ({
  key: join(folder, 'secrets', 'identity'),
  chain: join(folder, 'identity.json'),
});

interface IdentityFiles {
  /** PKCS #8 in PEM, of root alone. */
  readonly key: string;
  readonly chain: string;
}

/** A new key and the beginning of its chain, as the bytes of their files. */
export function newIdentity(): { readonly key: string; readonly chain: string; readonly identity: Identity } {
  const key = makeIdentityKey();
  const identity = identityOf(key, 'the new key');
  return { key, chain: chainText(newChain(identity)), identity };
}

const chainText = (chain: IdentityChain): string => `${JSON.stringify(chain, null, 2)}\n`;

/**
 * Replaces the key of a box by a new one that the old one signs. Whatever the power does, the key that lies there afterwards is the newest
 * of the chain, or the next rotation makes it so: the new key is on the disk before the chain names it.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, IDENTITY_INVALID, FILE_WRITE_FAILED
 */
export async function rotateIdentity(files: IdentityFiles, now: number): Promise<IdentityChain> {
  const next = `${files.key}.next`;
  const chain = readChain(await read(files.chain), files.chain);
  let before = identityOf(await read(files.key), files.key);
  const newest = newestOf(chain, files.chain);
  if (newest.spki !== before.publicKey.spki) before = await recovered(files, next, newest.spki);
  const { key, identity: after } = newIdentity();
  const longer = extended(chain, before, after.publicKey, now);
  await writeFileAtomic(next, key, 0o600);
  await writeFileAtomic(files.chain, chainText(longer), 0o644);
  await rename(next, files.key);
  await syncFolder(dirname(files.key));
  return longer;
}

/** A rotation that was cut off between its last two steps is ended. */
async function recovered(files: IdentityFiles, next: string, newest: string): Promise<Identity> {
  const waiting = await readFile(next).catch((thrown: unknown) => {
    if (isSystemError(thrown, 'ENOENT')) return undefined;
    throw thrown;
  });
  const identity = waiting === undefined ? undefined : identityOf(waiting, next);
  if (identity?.publicKey.spki !== newest) {
    throw new WaysideError('IDENTITY_INVALID', {
      message: `${files.key} is not the newest key of ${files.chain}`,
      hint: 'restore both from one backup; without one, remove both and run `wayside init --force`: the office then has to trust a new key',
    });
  }
  await rename(next, files.key);
  await syncFolder(dirname(files.key));
  return identity;
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new WaysideError('FILE_NOT_FOUND', {
      message: `cannot read ${path}: ${messageOf(cause)}`,
      hint: '`wayside init` makes it; the private half is root’s alone',
      cause,
    });
  }
}
