import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { commandSigner } from '../../../deploy/repository/keys/command-signer.ts';
import { readPublicKey } from '../../../deploy/repository/keys/key-file.ts';
import { type PublicKeyDocument, verifies } from '../../../deploy/repository/keys/public-key.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';

const run = promisify(execFile);
const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const payload = Buffer.from('what is to be signed');

describeWith({ needs: ['softhsm2-util', 'pkcs11-tool', 'openssl'] }, 'a key in a PKCS#11 token', () => {
  const folder = temporaryFolder();
  let key: PublicKeyDocument;
  let configuration: string;
  const token = (pin: string): string => `pkcs11-tool --module ${MODULE} --token-label office --login --pin ${pin}`;
  const signing = (pin: string): string =>
    `openssl dgst -sha256 -binary | SOFTHSM2_CONF='${configuration}' ${token(pin)} --sign --mechanism ECDSA ` +
    '--signature-format openssl --label wayside --input-file /dev/stdin --output-file /dev/stdout';

  beforeAll(async () => {
    configuration = join(folder(), 'softhsm2.conf');
    await mkdir(join(folder(), 'tokens'));
    await writeFile(configuration, `directories.tokendir = ${join(folder(), 'tokens')}\nobjectstore.backend = file\n`);
    const env = { ...process.env, SOFTHSM2_CONF: configuration };
    const init = ['--init-token', '--free', '--label', 'office', '--pin', '1234', '--so-pin', '5678'];
    await run('softhsm2-util', init, { env });
    const make = `${token('1234')} --keypairgen --key-type EC:prime256v1 --label wayside --id 01`;
    const read = `pkcs11-tool --module ${MODULE} --token-label office --read-object --type pubkey --label wayside`;
    await run('/bin/sh', ['-c', `${make} && ${read} -o token.der`], { env, cwd: folder() });
    const [der, pem] = [join(folder(), 'token.der'), join(folder(), 'token.pem')];
    await run('openssl', ['pkey', '-pubin', '-inform', 'DER', '-in', der, '-out', pem]);
    key = await readPublicKey(pem, 'token');
  });

  it('signs documents of a repository, and does not leave the token', async () => {
    const signature = await commandSigner(signing('1234'), key).sign(payload);
    expect(verifies(key, payload, signature)).toBe(true);
    expect(verifies(key, Buffer.from('another'), signature)).toBe(false);
  });

  it('does not sign with another PIN, which is said', async () => {
    await expect(commandSigner(signing('4321'), key).sign(payload)).rejects.toMatchObject({ code: 'SIGNER_FAILED' });
  });
});
