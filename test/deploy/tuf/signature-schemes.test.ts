import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Key } from '@tufjs/models';
import { describe, expect, it } from 'vitest';
import { verifiesWith } from '../../../deploy/agent/tuf/signature-schemes.ts';

const payload = Buffer.from('a document');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
const ed25519 = generateKeyPairSync('ed25519');

const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const key = (keytype: string, scheme: string, value: string): Key =>
  Key.fromJSON('id', { keytype, scheme, keyval: { public: value } });
const signed = (digest: string | null, secret: KeyObject, padding?: number): string =>
  sign(digest, payload, { key: secret, ...(padding && { padding }) }).toString('hex');

/** `04`, x, y: the end of a SubjectPublicKeyInfo. */
const point = (from: KeyObject, bytes: number): string =>
  from.export({ type: 'spki', format: 'der' }).subarray(-bytes).toString('hex');

describe('a signature', () => {
  const { RSA_PKCS1_PSS_PADDING: PSS, RSA_PKCS1_PADDING: PKCS1 } = constants;
  it.each([
    ['ed25519', 'ed25519', pem(ed25519.publicKey), signed(null, ed25519.privateKey)],
    ['ed25519', 'ed25519', point(ed25519.publicKey, 32), signed(null, ed25519.privateKey)],
    ['ecdsa', 'ecdsa-sha2-nistp256', pem(p256.publicKey), signed('sha256', p256.privateKey)],
    ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', point(p256.publicKey, 65), signed('sha256', p256.privateKey)],
    ['ecdsa', 'ecdsa-sha2-nistp384', pem(p384.publicKey), signed('sha384', p384.privateKey)],
    ['ecdsa', 'ecdsa-sha2-nistp384', point(p384.publicKey, 97), signed('sha384', p384.privateKey)],
    ['rsa', 'rsassa-pss-sha256', pem(rsa.publicKey), signed('sha256', rsa.privateKey, PSS)],
    ['rsa', 'rsassa-pss-sha512', pem(rsa.publicKey), signed('sha512', rsa.privateKey, PSS)],
    ['rsa', 'rsa-pkcs1v15-sha256', pem(rsa.publicKey), signed('sha256', rsa.privateKey, PKCS1)],
  ])('of type %s and scheme %s counts, and not for another document', (keytype, scheme, value, signature) => {
    expect(verifiesWith(key(keytype, scheme, value), payload, signature)).toBe(true);
    expect(verifiesWith(key(keytype, scheme, value), Buffer.from('another'), signature)).toBe(false);
  });

  it.each([
    [
      'a key on another curve than it says',
      'ecdsa',
      'ecdsa-sha2-nistp256',
      pem(p384.publicKey),
      signed('sha256', p384.privateKey),
    ],
    [
      'a key of another kind than it says',
      'ed25519',
      'ed25519',
      pem(p256.publicKey),
      signed('sha256', p256.privateKey),
    ],
    [
      'a type that contradicts the scheme',
      'ecdsa-sha2-nistp384',
      'ecdsa-sha2-nistp256',
      pem(p256.publicKey),
      signed('sha256', p256.privateKey),
    ],
    ['an unknown scheme', 'ecdsa', 'ecdsa-sha1', pem(p256.publicKey), signed('sha1', p256.privateKey)],
    [
      'the padding of another scheme',
      'rsa',
      'rsassa-pss-sha256',
      pem(rsa.publicKey),
      signed('sha256', rsa.privateKey, PKCS1),
    ],
    ['a key that cannot be read', 'ecdsa', 'ecdsa-sha2-nistp256', 'zz', signed('sha256', p256.privateKey)],
    ['a signature that is no hexadecimal', 'ed25519', 'ed25519', pem(ed25519.publicKey), 'xyz'],
    [
      'a signature with text behind it',
      'ed25519',
      'ed25519',
      pem(ed25519.publicKey),
      `${signed(null, ed25519.privateKey)} `,
    ],
    ['no signature', 'ed25519', 'ed25519', pem(ed25519.publicKey), ''],
  ])('of %s does not count', (_, keytype, scheme, value, signature) => {
    expect(verifiesWith(key(keytype, scheme, value), payload, signature)).toBe(false);
  });
});
