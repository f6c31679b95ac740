import { execFile, execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { readPrivateKey, readPublicKey } from '../../../deploy/signature/keys.ts';
import { signPackage } from '../../../deploy/signature/sign.ts';
import { verifySignature } from '../../../deploy/signature/verify.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { writeCodePackage } from '../../support/code-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';

const python = process.env['WAYSIDE_PYTHON'] ?? 'python3';

function hasReferenceTool(): boolean {
  try {
    execFileSync(python, ['-m', 'model_signing', '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const tool = {
  name: 'model-signing',
  met: hasReferenceTool(),
  hint: '`pip install model-signing==1.1.1 pyOpenSSL` and WAYSIDE_PYTHON naming that Python',
};

describeWith({ needs: [tool] }, 'the reference tool and Wayside', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]): string => join(folder(), ...names);
  const reference = (...args: string[]) => promisify(execFile)(python, ['-m', 'model_signing', ...args]);
  const signature = ['--signature', ''];

  it.each(['prime256v1', 'secp384r1', 'secp521r1'])(
    'verify what the other signed, by a key on %s, and nothing that was changed',
    async (namedCurve) => {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      await writeFile(at('maker.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
      await writeFile(at('maker.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
      await rm(at('package'), { recursive: true, force: true });
      await writeCodePackage(at('package'));
      signature[1] = at('package', 'model.sig');
      const verified = () => reference('verify', 'key', at('package'), ...signature, '--public_key', at('maker.pub'));

      await signPackage(at('package'), await readPrivateKey(at('maker.key')));
      await verified();

      await rm(at('package', 'model.sig'));
      await reference('sign', 'key', at('package'), ...signature, '--private_key', at('maker.key'));
      const key = await readPublicKey(at('maker.pub'));
      expect(await verifySignature(await readPackage(at('package')), [key])).toMatchObject({
        fingerprint: key.fingerprint,
      });

      await appendFile(at('package', 'report.html'), 'x');
      await expect(verified()).rejects.toThrow();
      await expect(readPackage(at('package'))).rejects.toMatchObject({ code: 'PACKAGE_INVALID' });
    },
  );
});
