import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** DER (X.690): tag, length, content. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const long = content.length.toString(16);
  const length =
    content.length < 128
      ? Buffer.from([content.length])
      : Buffer.concat([
          Buffer.from([0x80 + Math.ceil(long.length / 2)]),
          Buffer.from(long.padStart(2 * Math.ceil(long.length / 2), '0'), 'hex'),
        ]);
  return Buffer.concat([Buffer.from([tag]), length, content]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
const object = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.from([0]), bytes);
const time = (ms: number): Buffer =>
  der(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`));

const ECDSA_SHA256 = sequence(object('2a8648ce3d040302')); // 1.2.840.10045.4.3.2
const COMMON_NAME = object('550403'); // 2.5.4.3
const ALTERNATIVE_NAMES = object('551d11'); // 2.5.29.17
const BASIC_CONSTRAINTS = object('551d13'); // 2.5.29.19
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

const alternativeName = (host: string): Buffer =>
  isIP(host) === 4
    ? der(0x87, Buffer.from(host.split('.').map(Number)))
    : isIP(host) === 6
      ? der(0x87, ipv6(host))
      : der(0x82, Buffer.from(host));

function ipv6(host: string): Buffer {
  const [head = '', tail = ''] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), groups(tail)];
  const middle = new Array<string>(8 - before.length - after.length).fill('0');
  return Buffer.from([...before, ...middle, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const DAYS = 90;

/**
 * A certificate that signs itself (RFC 5280), for a first try: clients have to be given it. The key lives as long as the
 * process. P-256, valid from yesterday, because clocks differ.
 *
 * @param hosts names and addresses that it is for
 */
export function selfSignedCertificate(hosts: readonly string[], now = Date.now()) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('wayside repo serve')))));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.from([1]), randomBytes(15)),
    ECDSA_SHA256,
    name,
    sequence(time(now - 86_400_000), time(now + DAYS * 86_400_000)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(BASIC_CONSTRAINTS, TRUE, der(0x04, sequence(TRUE))),
        sequence(ALTERNATIVE_NAMES, der(0x04, sequence(...hosts.map(alternativeName)))),
      ),
    ),
  );
  const certificate = sequence(body, ECDSA_SHA256, bits(sign('sha256', body, privateKey)));
  const base64 = certificate.toString('base64').replace(/.{64}(?!$)/g, '$&\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    sha256: createHash('sha256').update(certificate).digest('hex'),
  };
}
