import { createPublicKey, verify } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type IdentityChain, newestOf, readChain } from '../../../core/identity/chain.ts';
import { identityFiles, newIdentity, rotateIdentity } from '../../../core/identity/files.ts';
import { identityOf, publicIdentityOf } from '../../../core/identity/key.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
const NOW = Date.UTC(2026, 0, 2);

/** The key of RFC 8037, appendix A.1, whose thumbprint A.3 gives. */
const PUBLIC_OF_RFC = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
const THUMBPRINT_OF_RFC = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k';

describe('the key of a box', () => {
  it('is named by the thumbprint of RFC 7638', () => {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: PUBLIC_OF_RFC }, format: 'jwk' });
    const spki = key.export({ type: 'spki', format: 'der' }).toString('base64');
    expect(publicIdentityOf(spki, 'RFC 8037')).toEqual({ spki, thumbprint: THUMBPRINT_OF_RFC });
  });

  it('signs what its public half verifies', () => {
    const { identity } = newIdentity();
    const key = createPublicKey({ key: Buffer.from(identity.publicKey.spki, 'base64'), format: 'der', type: 'spki' });
    const text = Buffer.from('a checkpoint');
    expect(verify(null, text, key, identity.sign(text))).toBe(true);
  });

  it.each(['', 'no key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'])('is not %j', (text) => {
    expect(() => identityOf(text, 'file')).toThrow(expect.objectContaining({ code: 'IDENTITY_INVALID' }));
  });
});

describe('rotating it', () => {
  let files: ReturnType<typeof identityFiles>;
  beforeEach(async () => {
    files = identityFiles(folder());
    await mkdir(join(folder(), 'secrets'), { recursive: true });
    const made = newIdentity();
    await writeFile(files.key, made.key, { mode: 0o600 });
    await writeFile(files.chain, made.chain);
  });
  const chain = async (): Promise<IdentityChain> => readChain(await readFile(files.chain), 'chain');
  const key = async (): Promise<string> => identityOf(await readFile(files.key), 'key').publicKey.spki;

  it('leads from every key that was to the newest', async () => {
    const first = await key();
    for (let turn = 0; turn < 3; turn++) await rotateIdentity(files, NOW + turn);
    expect((await chain()).first).toBe(first);
    expect((await chain()).links).toHaveLength(3);
    expect(newestOf(await chain(), 'chain').spki).toBe(await key());
    expect((await stat(files.key)).mode & 0o777).toBe(0o600);
  });

  it('goes on where the power was cut before the chain named the new key', async () => {
    const [before, old] = [await readFile(files.chain), await readFile(files.key)];
    await rotateIdentity(files, NOW);
    await rename(files.key, `${files.key}.next`);
    await writeFile(files.key, old);
    await writeFile(files.chain, before);
    await rotateIdentity(files, NOW);
    expect((await chain()).links).toHaveLength(1);
    expect(newestOf(await chain(), 'chain').spki).toBe(await key());
  });

  it('goes on where the power was cut before the new key took its place', async () => {
    const old = await readFile(files.key);
    await rotateIdentity(files, NOW);
    await rename(files.key, `${files.key}.next`);
    await writeFile(files.key, old);
    await rotateIdentity(files, NOW);
    expect((await chain()).links).toHaveLength(2);
    expect(newestOf(await chain(), 'chain').spki).toBe(await key());
  });

  it('refuses a key that is not the newest of its chain', async () => {
    await writeFile(files.key, newIdentity().key);
    await expect(rotateIdentity(files, NOW)).rejects.toMatchObject({ code: 'IDENTITY_INVALID' });
  });

  it('is noticed where anything of the chain was changed', async () => {
    for (let turn = 0; turn < 3; turn++) await rotateIdentity(files, NOW + turn);
    const text = await readFile(files.chain, 'utf8');
    const other = newIdentity().identity.publicKey.spki;
    const whole = await chain();
    const changed: readonly ((value: IdentityChain) => unknown)[] = [
      (value) => ({ ...value, first: other }),
      (value) => ({ ...value, links: value.links.slice(1) }),
      (value) => ({ ...value, links: value.links.toReversed() }),
      (value) => ({ ...value, links: [...value.links, { ...value.links[0], publicKey: other }] }),
      (value) => ({ ...value, links: value.links.map((link) => ({ ...link, at: '2026-01-01T00:00:00.000Z' })) }),
    ];
    for (const change of changed)
      expect(() => readChain(Buffer.from(JSON.stringify(change(whole))), 'chain')).toThrow(/chain/);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 33, max: 126 }), (at, code) => {
        const written = String.fromCharCode(code);
        if (/\s/.test(text[at] ?? '') || text[at] === written) return;
        const edited = `${text.slice(0, at)}${written}${text.slice(at + 1)}`;
        let read: IdentityChain | undefined;
        try {
          read = readChain(Buffer.from(edited), 'chain');
        } catch {
          return;
        }
        // Base64 says some bytes in more than one way: what was read must still be the same keys.
        expect(newestOf(read, 'chain')).toEqual(newestOf(whole, 'chain'));
      }),
      { numRuns: 300 },
    );
  });
});
