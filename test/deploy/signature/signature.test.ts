import { createHash, generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { admitPackage } from '../../../deploy/admit.ts';
import { readPrivateKey, readPublicKey } from '../../../deploy/signature/keys.ts';
import { signPackage } from '../../../deploy/signature/sign.ts';
import { writeCodePackage } from '../../support/code-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Schema, schemaProblems } from '../../support/json-schema.ts';
import { describeWith, sharedData } from '../../support/requirements.ts';
import { runWayside } from '../../support/wayside.ts';

interface SignatureFile {
  mediaType: string;
  verificationMaterial: Record<string, unknown>;
  dsseEnvelope: { payload: string; payloadType: string; signatures: { sig: string; keyid?: string | null }[] };
}

const decoded = ({ dsseEnvelope }: SignatureFile): Record<string, unknown> =>
  JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as Record<string, unknown>;

describe('a signed package', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]): string => join(folder(), ...names);

  async function makeKey(name: string, namedCurve: string, passphrase?: string): Promise<void> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
    await writeFile(at(`${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }));
    await writeFile(at(`${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
  }
  const editSignature = async (edit: (signature: SignatureFile) => void): Promise<void> => {
    const signature = JSON.parse(await readFile(at('package', 'model.sig'), 'utf8')) as SignatureFile;
    edit(signature);
    await writeFile(at('package', 'model.sig'), JSON.stringify(signature));
  };
  const admit = (...keys: string[]): Promise<unknown> =>
    admitPackage(
      at('package'),
      keys.map((key) => at(key)),
    );

  beforeAll(async () => {
    await writeCodePackage(at('whole'));
    await makeKey('maker', 'prime256v1');
    await makeKey('other', 'prime256v1');
    await signPackage(at('whole'), await readPrivateKey(at('maker.key')));
  });
  beforeEach(async () => {
    await rm(at('package'), { recursive: true, force: true });
    await cp(at('whole'), at('package'), { recursive: true });
  });

  it('is admitted by its key, and by one of several; its digest is what it was', async () => {
    const unsigned = await writeCodePackage(at('unsigned'));
    expect(await admit('maker.pub')).toMatchObject({ identity: { digest: unsigned.digest } });
    await admit('other.pub', 'maker.pub');
    await expect(admit('other.pub')).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    await expect(admit()).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it.each(['secp384r1', 'secp521r1'])('is admitted where its key is on %s', async (curve) => {
    await makeKey(curve, curve);
    await signPackage(at('package'), await readPrivateKey(at(`${curve}.key`)));
    await admit(`${curve}.pub`);
    await expect(admit('maker.pub')).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('is refused without its signature, and admitted where none is asked for', async () => {
    await rm(at('package', 'model.sig'));
    await expect(admit('maker.pub')).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' });
    await admitPackage(at('package'));
    await mkdir(at('package', 'model.sig'));
    await expect(admit('maker.pub')).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' });
  });

  it.each<[string, (signature: SignatureFile) => void]>([
    ['an absent keyid', ({ dsseEnvelope: { signatures } }) => delete signatures[0]!.keyid],
    [
      'a null keyid',
      ({ dsseEnvelope: { signatures } }) => {
        signatures[0]!.keyid = null;
      },
    ],
    ['no transparency log', ({ verificationMaterial }) => delete verificationMaterial['tlogEntries']],
    [
      'the key itself in place of its hint',
      (file) => {
        file.verificationMaterial = { publicKey: { rawBytes: 'AAAA' } };
      },
    ],
  ])('is admitted with %s, as other writers have it', async (_what, edit) => {
    await editSignature(edit);
    await admit('maker.pub');
  });

  it.each<[string, (signature: SignatureFile) => void]>([
    [
      'another payload',
      (file) => {
        file.dsseEnvelope.payload = Buffer.from('{}').toString('base64');
      },
    ],
    [
      'another type of payload',
      (file) => {
        file.dsseEnvelope.payloadType = 'text/plain';
      },
    ],
    [
      'no signatures',
      (file) => {
        file.dsseEnvelope.signatures = [];
      },
    ],
    [
      'a signature that is no base64',
      (file) => {
        file.dsseEnvelope.signatures[0]!.sig = '%';
      },
    ],
    [
      'a certificate in place of a key',
      (file) => {
        file.verificationMaterial = { certificate: { rawBytes: 'AAAA' } };
      },
    ],
  ])('is refused with %s', async (_what, edit) => {
    await editSignature(edit);
    await expect(admit('maker.pub')).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('is refused where its signature is no JSON or huge, and in one line', async () => {
    for (const text of ['', 'nonsense', '[]', 'null', ' '.repeat(5_000_000)]) {
      await writeFile(at('package', 'model.sig'), text);
      await expect(admit('maker.pub')).rejects.toMatchObject({
        code: 'SIGNATURE_INVALID',
        message: expect.not.stringContaining('\n'),
      });
    }
  });

  it('is refused where the signature is that of another version', async () => {
    await writeCodePackage(at('second'), { version: '2' });
    await cp(at('package', 'model.sig'), at('second', 'model.sig'));
    await expect(admitPackage(at('second'), [at('maker.pub')])).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
      message: expect.stringContaining('manifest.json'),
    });
  });

  it('is not admitted by a key that is gone, private, or of another kind', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    await writeFile(at('ed.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await writeFile(at('empty.pub'), '');
    await expect(admit('gone.pub')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    for (const key of ['maker.key', 'ed.pub', 'empty.pub'])
      await expect(admit(key)).rejects.toMatchObject({ code: 'KEY_INVALID' });
  });

  it('names the key by the digest of its PEM text', async () => {
    const { fingerprint } = await readPublicKey(at('maker.pub'));
    expect(fingerprint).toBe(
      createHash('sha256')
        .update(await readFile(at('maker.pub')))
        .digest('hex'),
    );
  });

  it('comes from the command line, by an encrypted key whose passphrase is never an argument', async () => {
    await makeKey('locked', 'prime256v1', 'open sesame');
    await writeFile(at('passphrase'), 'open sesame\n');
    await writeFile(at('wrong'), 'guess\n');
    const sign = (...more: string[]) =>
      runWayside(['sign', at('package'), '--key', at('locked.key'), ...more], { env: { PHRASE: 'open sesame' } });
    for (const how of [[], ['--passphrase-file', at('wrong')]])
      expect(await sign(...how)).toMatchObject({ exit: 65, stderr: expect.stringMatching(/^error KEY_INVALID/) });
    for (const how of [
      ['--passphrase-file', at('passphrase')],
      ['--passphrase-env', 'PHRASE'],
    ])
      expect(await sign(...how)).toMatchObject({ exit: 0 });
    const verified = await runWayside(['verify', at('package'), '--key', at('locked.pub'), '--json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      name: 'codes',
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await runWayside(['verify', at('package'), '--key', at('maker.pub')])).toMatchObject({ exit: 65 });
  });

  describeWith({ needs: ['data'] }, 'and the schemas of OpenSSF Model Signing v1.0', () => {
    it('fit each other, from the bundle to the predicate', async () => {
      const names = ['bundle', 'envelope', 'statement', 'predicate'];
      const schemas = await Promise.all(
        names.map(
          async (name) =>
            JSON.parse(
              await readFile(join(sharedData() ?? '', 'schemas', 'oms-v1', `${name}.schema.json`), 'utf8'),
            ) as Schema,
        ),
      );
      const signature = JSON.parse(await readFile(at('package', 'model.sig'), 'utf8')) as SignatureFile;
      expect(schemaProblems(signature, schemas[0]!, schemas)).toEqual([]);
      expect(schemaProblems(decoded(signature), schemas[2]!, schemas)).toEqual([]);
      expect(schemaProblems({ ...signature, mediaType: 'x' }, schemas[0]!, schemas)).toHaveLength(1);
    });
  });
});
