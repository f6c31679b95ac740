import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { initRepository } from '../../deploy/repository/init.ts';
import { createKeyFile, type KeyKind, openKeyFile } from '../../deploy/repository/keys/key-file.ts';
import type { Signer } from '../../deploy/repository/keys/signer.ts';
import { publish } from '../../deploy/repository/publish.ts';
import { signStaged } from '../../deploy/repository/sign.ts';

/** Cheap to open: what it protects is a test's. */
const COST = 2 ** 10;

/** A key file made and opened again. */
export async function officeKey(folder: string, name: string, kind: KeyKind = 'ed25519'): Promise<Signer> {
  const { file } = await createKeyFile(kind, `passphrase of ${name}`, { name, cost: COST });
  await writeFile(join(folder, `${name}.key`), file, { mode: 0o600 });
  return openKeyFile(join(folder, `${name}.key`), () => Promise.resolve(`passphrase of ${name}`));
}

export interface Office {
  readonly folder: string;
  readonly keys: Readonly<Record<'first' | 'second' | 'third' | 'online', Signer>>;
  /** Lets the named sign what is staged, and publishes. */
  publish(by: readonly Signer[], now?: number): Promise<Readonly<Record<string, number>>>;
}

/** A repository whose root and targets are signed by two of First, Second and Third; nothing is published yet. */
export async function newOffice(inside: string, { now = Date.now() } = {}): Promise<Office> {
  const folder = join(inside, 'repository');
  const [first, second, third, online] = [
    await officeKey(inside, 'first'),
    await officeKey(inside, 'second', 'p256'),
    await officeKey(inside, 'third'),
    await officeKey(inside, 'online', 'p256'),
  ];
  const owners = { keys: [first.key, second.key, third.key], threshold: 2 };
  const machine = { keys: [online.key], threshold: 1 };
  await initRepository(folder, {
    roles: { root: owners, targets: owners, snapshot: machine, timestamp: machine },
    now,
  });
  return {
    folder,
    keys: { first, second, third, online },
    async publish(by, at = now) {
      for (const signer of by) await signStaged(folder, signer);
      return (await publish(folder, [online], { now: at })).versions;
    },
  };
}
