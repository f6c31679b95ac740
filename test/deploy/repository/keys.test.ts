import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { commandSigner } from '../../../deploy/repository/keys/command-signer.ts';
import { createKeyFile, openKeyFile, readPublicKey } from '../../../deploy/repository/keys/key-file.ts';
import { keyId, verifies } from '../../../deploy/repository/keys/public-key.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { officeKey } from '../../support/office.ts';
import { describeWith } from '../../support/requirements.ts';

const run = promisify(execFile);
const folder = temporaryFolder();
const payload = Buffer.from('what is to be signed');

describe('a key file', () => {
  it.each(['ed25519', 'p256'] as const)('of kind %s signs what its public key verifies', async (kind) => {
    const signer = await officeKey(folder(), kind, kind);
    const signature = await signer.sign(payload);
    expect(verifies(signer.key, payload, signature)).toBe(true);
    expect(verifies(signer.key, Buffer.from('another'), signature)).toBe(false);
    expect(keyId(await readPublicKey(join(folder(), `${kind}.key`)))).toBe(keyId(signer.key));
  });

  it('does not open with another passphrase, nor when a byte of it is another', async () => {
    await officeKey(folder(), 'locked');
    const path = join(folder(), 'locked.key');
    await expect(openKeyFile(path, () => Promise.resolve('a guess'))).rejects.toMatchObject({ code: 'SIGNING_KEY' });
    const document = JSON.parse(await readFile(path, 'utf8')) as { public: { keyval: { public: string } } };
    document.public.keyval.public = document.public.keyval.public.replace(/^../, '00');
    await writeFile(path, JSON.stringify(document));
    await expect(openKeyFile(path, () => Promise.resolve('passphrase of locked'))).rejects.toMatchObject({
      code: 'SIGNING_KEY',
    });
  });

  it('holds nothing of the secret in the open, and asks for a passphrase that protects', async () => {
    const { file } = await createKeyFile('ed25519', 'secret', { cost: 2 ** 10 });
    expect(file).not.toMatch(/PRIVATE/);
    await expect(createKeyFile('ed25519', '')).rejects.toMatchObject({ code: 'SIGNING_KEY' });
  });

  it('of a stranger does not make us spend any amount of memory', async () => {
    const { file } = await createKeyFile('ed25519', 'secret', { cost: 2 ** 10 });
    const path = join(folder(), 'greedy.key');
    await writeFile(path, file.replace('"N": 1024', '"N": 1073741824'));
    await expect(openKeyFile(path, () => Promise.resolve('secret'))).rejects.toMatchObject({ code: 'SIGNING_KEY' });
  });

  it.each(['', '{}', 'no key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'])(
    'is told from other text: %j',
    async (text) => {
      const path = join(folder(), 'other');
      await writeFile(path, text);
      await expect(readPublicKey(path)).rejects.toMatchObject({ code: 'SIGNING_KEY' });
    },
  );
});

describeWith({ needs: ['openssl'] }, 'a command that signs', () => {
  it('gets what is to be signed on stdin and prints the signature', async () => {
    const secret = join(folder(), 'token.pem');
    await run('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', secret]);
    await run('openssl', ['pkey', '-in', secret, '-pubout', '-out', `${secret}.pub`]);
    const key = await readPublicKey(`${secret}.pub`, 'token');
    const signer = commandSigner(`openssl dgst -sha256 -sign '${secret}'`, key);
    expect(verifies(key, payload, await signer.sign(payload))).toBe(true);
  });

  it.each([
    ['fails', 'exit 3', /ended with 3/],
    ['prints something else', 'echo hello', /no signature/],
    ['prints without end', 'yes', /more than/],
    ['is not there', 'no-such-program-at-all', /ended with 127/],
  ])('that %s is refused', async (_, command, says) => {
    const { key } = await officeKey(folder(), 'p', 'p256');
    await expect(commandSigner(command, key).sign(payload)).rejects.toMatchObject({
      code: 'SIGNER_FAILED',
      message: expect.stringMatching(says) as string,
    });
  });
});
