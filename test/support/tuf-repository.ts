import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Metadata, type MetadataKind, Signature } from '@tufjs/models';

/** A key as an attacker or an operator holds it. */
export interface TestKey {
  readonly id: string;
  readonly document: {
    readonly keytype: string;
    readonly scheme: string;
    readonly keyval: { readonly public: string };
  };
  readonly secret: KeyObject;
}

export function newKey(kind: 'ed25519' | 'p256' = 'ed25519'): TestKey {
  const { publicKey, privateKey: secret } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const document =
    kind === 'ed25519'
      ? {
          keytype: 'ed25519',
          scheme: 'ed25519',
          keyval: { public: publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex') },
        }
      : {
          keytype: 'ecdsa',
          scheme: 'ecdsa-sha2-nistp256',
          keyval: { public: publicKey.export({ type: 'spki', format: 'pem' }).toString() },
        };
  return { id: createHash('sha256').update(document.keyval.public).digest('hex'), document, secret };
}

// biome-ignore lint/suspicious/noExplicitAny: metadata that a test bends out of shape, in ways that no type allows
type Document = Record<string, any>;

export const day = (days: number, from = Date.now()): string =>
  new Date(from + days * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Signs a document as it stands, with whatever keys are given. */
export function signed(document: Document, keys: readonly TestKey[]): Buffer {
  const kind = document['_type'] as MetadataKind.Targets;
  const metadata = Metadata.fromJSON(kind, { signed: document, signatures: [] } as never);
  for (const { id, secret } of keys) {
    const digest = secret.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    metadata.sign((bytes) => new Signature({ keyID: id, sig: sign(digest, bytes, secret).toString('hex') }));
  }
  // As it stands, also where the models would leave something out.
  return Buffer.from(JSON.stringify({ ...metadata.toJSON(), signed: document }));
}

type TopRole = 'root' | 'timestamp' | 'snapshot' | 'targets';

/**
 * A TUF repository in memory whose every document can be bent before it is published: what an attacker with some of the keys
 * can make. `served` is what lies on the server, by path.
 */
export class TufTestRepository {
  readonly keys: Record<string, TestKey[]> = {
    root: [newKey()],
    timestamp: [newKey()],
    snapshot: [newKey('p256')],
    targets: [newKey()],
  };
  readonly root: Document;
  readonly timestamp: Document;
  readonly snapshot: Document;
  readonly targets: Document;
  /** Delegated roles by name. */
  readonly delegated: Record<string, Document> = {};
  readonly served = new Map<string, Buffer>();

  constructor({ threshold = 1 }: { readonly threshold?: number } = {}) {
    const common = { spec_version: '1.0.34', version: 1, expires: day(7) };
    for (let more = 1; more < threshold; more++)
      for (const role of ['root', 'targets']) this.keys[role]?.push(newKey());
    this.root = { _type: 'root', ...common, consistent_snapshot: true, keys: {}, roles: {} };
    this.targets = { _type: 'targets', ...common, targets: {} };
    this.snapshot = { _type: 'snapshot', ...common, meta: {} };
    this.timestamp = { _type: 'timestamp', ...common, meta: {} };
    for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
      this.trust(role, role === 'root' || role === 'targets' ? threshold : 1);
    }
    this.publishRoot();
    this.publish();
  }

  /** Lets the keys of a role, and no others, sign for it. */
  trust(role: TopRole, threshold: number, keys = this.keys[role] ?? []): void {
    this.keys[role] = keys;
    this.root['roles'][role] = { keyids: keys.map(({ id }) => id), threshold };
    for (const { id, document } of keys) this.root['keys'][id] = document;
  }

  get factoryRoot(): Buffer {
    return this.served.get('metadata/1.root.json') ?? Buffer.alloc(0);
  }

  /** @param signers by default those of the role */
  publishRoot(signers = this.keys['root'] ?? []): void {
    this.served.set(`metadata/${this.root['version']}.root.json`, signed(this.root, signers));
  }

  add(path: string, content: Uint8Array, role = this.targets): void {
    role['targets'][path] = { length: content.length, hashes: { sha256: sha256(content) }, custom: { name: path } };
    const at = path.lastIndexOf('/') + 1;
    this.served.set(`targets/${path.slice(0, at)}${sha256(content)}.${path.slice(at)}`, Buffer.from(content));
  }

  delegate(name: string, paths: readonly string[], from = this.targets, key = newKey()): Document {
    from['delegations'] ??= { keys: {}, roles: [] };
    from['delegations'].keys[key.id] = key.document;
    from['delegations'].roles.push({ name, keyids: [key.id], threshold: 1, terminating: false, paths });
    this.keys[name] ??= [key];
    this.delegated[name] ??= { _type: 'targets', spec_version: '1.0.34', version: 1, expires: day(7), targets: {} };
    return this.delegated[name];
  }

  /** Signs and serves targets, delegated roles, snapshot and timestamp as they stand. */
  publish(): void {
    const roles = { targets: this.targets, ...this.delegated };
    for (const [name, document] of Object.entries(roles)) {
      const file = encodeURIComponent(name);
      this.served.set(`metadata/${document['version']}.${file}.json`, signed(document, this.keys[name] ?? []));
      this.snapshot['meta'][`${name}.json`] = { version: document['version'] };
    }
    this.publishSnapshot();
  }

  publishSnapshot(): void {
    const bytes = signed(this.snapshot, this.keys['snapshot'] ?? []);
    this.served.set(`metadata/${this.snapshot['version']}.snapshot.json`, bytes);
    this.timestamp['meta'] = {
      'snapshot.json': { version: this.snapshot['version'], length: bytes.length, hashes: { sha256: sha256(bytes) } },
    };
    this.publishTimestamp();
  }

  publishTimestamp(): void {
    this.served.set('metadata/timestamp.json', signed(this.timestamp, this.keys['timestamp'] ?? []));
  }

  /** Raises every version but the root's, and publishes. */
  next(): void {
    for (const document of [this.targets, ...Object.values(this.delegated), this.snapshot, this.timestamp]) {
      document['version']++;
    }
    this.publish();
  }
}
