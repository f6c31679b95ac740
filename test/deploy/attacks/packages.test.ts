import { mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { diskFiles } from '../../../core/file-system.ts';
import { admitPackage } from '../../../deploy/admit.ts';
import { unpackBundle } from '../../../deploy/bundle/read-bundle.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { verifyPackage } from '../../../deploy/store/verify-package.ts';
import { graphsOf, tensorsOf } from '../../../inference/model-file/tensors.ts';
import { floatTensor, openSession } from '../../../inference/session.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { writeCodePackage } from '../../support/code-package.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { digestsFit, forge } from '../../support/forged-package.ts';
import { packedZeros, sealed, takeApart } from '../../support/hostile-bundle.ts';
import { codebookModel, zerosModel } from '../../support/hostile-models.ts';
import { colourClassifier } from '../../support/tiny-classifier.ts';

const folder = temporaryFolder();
const SECRET = 'the password of the broker';

async function packageWith(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const dir = join(await mkdtemp(join(folder(), 'attack-')), 'package');
  await writeColourPackage(dir);
  await forge(dir, files);
  return dir;
}

/** Both who put a package into a slot and who take it into a process. */
async function expectRefused(dir: string, message: RegExp): Promise<void> {
  const refused = { code: 'PACKAGE_INVALID', message: expect.stringMatching(message) as string };
  await expect(admitPackage(dir)).rejects.toMatchObject(refused);
  await expect(verifyPackage(diskFiles, dir)).rejects.toMatchObject(refused);
}

/** How a reader of ONNX files is written in an afternoon: it opens what a tensor names, beside the model. */
async function readsBeside(path: string): Promise<string> {
  const tensors = graphsOf(await readFile(path)).flatMap(tensorsOf);
  const [, location = ''] = tensors.flatMap(({ external }) => external).find(([key]) => key === 'location') ?? [];
  return readFile(join(dirname(path), location), 'utf8');
}

/** A model file whose tensors lie where an attacker wants them, of a name as long as the honest one. */
async function modelReading(location: string): Promise<Uint8Array> {
  const path = join(await mkdtemp(join(folder(), 'made-')), 'model.onnx');
  await writeModel(colourClassifier(), path, { externalData: { minBytes: 1 } });
  const text = (await readFile(path)).toString('latin1');
  expect(location).toHaveLength('model.onnx.data'.length);
  return Buffer.from(text.replaceAll('model.onnx.data', location), 'latin1');
}

describe('an attack by a package that is signed', () => {
  it('external-data escape: weights that lie in a file of the box', async () => {
    const dir = await packageWith({ 'model.onnx': await modelReading('../mqtt.passwrd') });
    await writeFile(join(dir, '..', 'mqtt.passwrd'), SECRET);
    expect(await digestsFit(dir)).toBe(true);
    expect(await readsBeside(join(dir, 'model.onnx'))).toBe(SECRET);
    await expectRefused(dir, /no file of the package/);
  });

  it('external-data escape through a link', async () => {
    const dir = await packageWith({ 'model.onnx': await modelReading('weights.ofmodel') });
    await writeFile(join(dir, '..', 'mqtt.password'), SECRET);
    await symlink('../mqtt.password', join(dir, 'weights.ofmodel'));
    expect(await readsBeside(join(dir, 'model.onnx'))).toBe(SECRET);
    await expectRefused(dir, /neither a file nor a folder|not named in the manifest/);
  });

  it('codebook indices beyond the codebook', async () => {
    const dir = await packageWith({ 'model.onnx': codebookModel({ clusters: 48 }, { tooShort: true }) });
    expect(await digestsFit(dir)).toBe(true);
    // ONNX Runtime loads it, and fails at every frame.
    const session = await openSession(join(dir, 'model.onnx'));
    const image = floatTensor(new Float32Array(4 * 3 * 64), [4, 3, 8, 8]);
    await expect(session.run({ image })).rejects.toMatchObject({ code: 'SESSION_RUN' });
    await session.close();
    await expectRefused(dir, /reads entry 47 of 47/);
  });

  it('a bomb: a model of some hundred bytes that fills half a gigabyte when it is loaded', async () => {
    const bomb = zerosModel([2 ** 27 + 1]);
    expect(bomb.length).toBeLessThan(1000);
    const dir = await packageWith({ 'model.onnx': bomb });
    expect(await digestsFit(dir)).toBe(true);
    const session = await openSession(join(dir, 'model.onnx'));
    await session.close();
    await expectRefused(dir, /out of nothing/);
  });
});

describe('an attack by a bundle that is signed', () => {
  /** Reads a bundle to its end before it looks at what it has. */
  function naiveUnpacked(bytes: Uint8Array): number {
    return brotliDecompressSync(takeApart(bytes).rest).length;
  }
  async function unpack(bytes: Uint8Array, name: string): Promise<unknown> {
    const path = join(folder(), `${name}.bundle`);
    await writeFile(path, bytes);
    return unpackBundle(path, join(folder(), name), { limits: { bytes: 10_000_000 } });
  }
  async function honest() {
    const dir = join(await mkdtemp(join(folder(), 'honest-')), 'package');
    await writeCodePackage(dir);
    return takeApart((await bundlePackage(dir)).bytes);
  }

  it('decompression bomb: a bundle of a few kilobytes, a file of 100 MB', async () => {
    const { header } = await honest();
    const zeros = packedZeros(100_000_000);
    const parts = { ...header, rest: zeros.length, codes: 0 };
    const said = { ...parts, files: [{ name: 'model.onnx', bytes: 100_000_000, codes: [] }] };
    const unsaid = { ...parts, files: [{ name: 'model.onnx', bytes: 1000, codes: [] }] };
    for (const bomb of [said, unsaid]) {
      const bytes = sealed(bomb, zeros, new Uint8Array());
      expect(bytes.length).toBeLessThan(10_000);
      expect(naiveUnpacked(bytes)).toBe(100_000_000);
      await expect(unpack(bytes, 'bomb')).rejects.toMatchObject({
        code: expect.stringMatching(/^BUNDLE_(?:TOO_LARGE|INVALID)$/) as string,
      });
      expect(await readdir(folder())).not.toContain('bomb');
    }
  });

  it('a file outside of the slot', async () => {
    const { header, rest, codes } = await honest();
    const [first, ...others] = header.files;
    const bytes = sealed({ ...header, files: [{ ...first, name: '../../authorized_keys' }, ...others] }, rest, codes);
    const [named] = takeApart(bytes).header.files;
    expect(join('/slots/A', named?.name ?? '')).toBe('/authorized_keys'); // where a join of the two leads
    await expect(unpack(bytes, 'outside')).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });
});
