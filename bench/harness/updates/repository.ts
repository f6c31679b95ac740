import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { initRepository } from '../../../deploy/repository/init.ts';
import { publicKeyDocument } from '../../../deploy/repository/keys/public-key.ts';
import type { Signer } from '../../../deploy/repository/keys/signer.ts';
import { publish } from '../../../deploy/repository/publish.ts';
import { signStaged } from '../../../deploy/repository/sign.ts';
import { addTarget } from '../../../deploy/repository/stage-targets.ts';

function newSigner(name: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    key: publicKeyDocument(publicKey, name),
    sign: (payload) => Promise.resolve(sign(null, payload, privateKey)),
  };
}

interface PublishedBundle {
  readonly published: string;
  /** File of the root that a box is set up with. */
  readonly root: string;
  readonly path: string;
}

/** A repository with one target in it, signed by two of two owners. */
export async function repositoryWith(folder: string, content: Uint8Array): Promise<PublishedBundle> {
  await mkdir(folder, { recursive: true });
  const [first, second, online] = [newSigner('first'), newSigner('second'), newSigner('online')];
  const owners = { keys: [first.key, second.key], threshold: 2 };
  const machine = { keys: [online.key], threshold: 1 };
  const office = join(folder, 'office');
  await initRepository(office, { roles: { root: owners, targets: owners, snapshot: machine, timestamp: machine } });
  const file = join(folder, 'one.bundle');
  await writeFile(file, content);
  const { path } = await addTarget(office, { file, custom: { name: 'vehicles', version: '1' } });
  for (const owner of [first, second]) await signStaged(office, owner);
  await publish(office, [online]);
  const published = join(office, 'published');
  const root = join(folder, 'root.json');
  await writeFile(root, await readFile(join(published, 'metadata', '1.root.json')));
  return { published, root, path };
}
