import { sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WaysideError } from '../../../core/errors.ts';
import { payloadOf } from '../../../deploy/payload.ts';
import { type FileServer, serveFiles } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { newBox } from '../../support/tuf-box.ts';
import { type TestKey, TufTestRepository } from '../../support/tuf-repository.ts';

const folder = temporaryFolder();
let repository: TufTestRepository;
let server: FileServer;

beforeAll(async () => {
  repository = new TufTestRepository();
  repository.add('b/model', Buffer.from('m'), repository.delegate('b', ['b/*']));
  repository.next();
  server = await serveFiles(repository.served);
});
afterAll(() => server.close());

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Each value in a document, left out or replaced by what does not belong there. */
function* bent(document: Json, at = ''): Generator<readonly [where: string, bend: (inside: Json) => Json]> {
  if (typeof document !== 'object' || document === null) return;
  for (const [name, value] of Object.entries(document)) {
    const put = (outer: Json, other: Json | undefined): Json => {
      const entries = Object.entries(outer as object).flatMap(([key, each]): [string, Json][] =>
        key !== name ? [[key, each as Json]] : other === undefined ? [] : [[key, other]],
      );
      return Array.isArray(outer) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
    };
    for (const other of [undefined, null, 2 ** 60, { a: {} }]) {
      yield [`${at}${name} = ${JSON.stringify(other)}`, (outer) => put(outer, other)];
    }
    for (const [where, bend] of bent(value, `${at}${name}.`)) {
      yield [where, (outer) => put(outer, bend((outer as Record<string, Json>)[name] ?? null))];
    }
  }
}

/** Signed as it stands: a document that no model holds. */
function signedAsIs(document: Json, keys: readonly TestKey[]): Buffer {
  const bytes = payloadOf({ signed: { toJSON: () => document } as never });
  const signatures = keys.map(({ id, secret }) => {
    const digest = secret.asymmetricKeyType === 'ed25519' ? null : 'sha256';
    return { keyid: id, sig: sign(digest, bytes, secret).toString('hex') };
  });
  return Buffer.from(JSON.stringify({ signatures, signed: document }));
}

describe('whatever one signed value is', () => {
  it.each(['timestamp', 'snapshot', 'targets', 'b'] as const)(
    'in %s, the box says no or goes on, and its next update works',
    async (role) => {
      const document = (role === 'b' ? repository.delegated['b'] : repository[role]) as Record<string, Json>;
      const box = await newBox(folder(), repository.factoryRoot, server.url);
      const faults: string[] = [];
      const fetch = async (when: string): Promise<void> => {
        try {
          await box.fetch('b/model');
        } catch (thrown) {
          const { code, message } = thrown as Partial<WaysideError>;
          const told = /^(?:UPDATE_(?:REFUSED|EXPIRED)|DOWNLOAD_|TARGET_UNKNOWN)/.test(code ?? '');
          if (!told || when.startsWith('after') || /Cannot read|not a function|not iterable/.test(message ?? '')) {
            faults.push(`${when}: ${code} ${message}`);
          }
        }
      };
      for (const [where, bend] of [...bent(document)]) {
        repository.next();
        const path = role === 'timestamp' ? 'metadata/timestamp.json' : `metadata/${document['version']}.${role}.json`;
        // Its digest would refuse every other snapshot.
        if (role === 'snapshot') {
          repository.timestamp['meta'] = { 'snapshot.json': { version: document['version'] } };
          repository.publishTimestamp();
        }
        repository.served.set(path, signedAsIs(bend(document), repository.keys[role] ?? []));
        await fetch(where);
        // Timestamp and snapshot are what the floors come from.
        if (role === 'targets' || role === 'b') continue;
        repository.next();
        await fetch(`after ${where}`);
      }
      repository.next();
      await fetch('after all of them');
      expect(faults).toEqual([]);
    },
    60_000,
  );
});
