import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { codesIn } from '../../../deploy/bundle/onnx-codes.ts';
import { unpackBundle } from '../../../deploy/bundle/read-bundle.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { writeCodePackage } from '../../support/code-package.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { loadedBy } from '../../support/imports.ts';

/** Every file below a folder with its bytes. */
async function contentsOf(folder: string): Promise<Map<string, string>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(files.map((path) => readFile(path, 'base64')));
  return new Map(files.map((path, i) => [path.slice(folder.length), contents[i]!] as const).sort());
}

describe('a bundle', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]): string => join(folder(), ...names);
  const written = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeFile(at(name), bytes);
    return at(name);
  };

  beforeAll(async () => {
    await writeCodePackage(at('first'));
    await writeCodePackage(at('second'), { moved: 0.02, version: '2' });
    await writeColourPackage(at('float'));
  });

  it.each(['first', 'second', 'float'])('of %s gives the same files back, and always the same bytes', async (name) => {
    const bundle = await bundlePackage(at(name));
    expect((await bundlePackage(at(name))).digest).toBe(bundle.digest);
    const { digest } = await unpackBundle(await written(`${name}.bundle`, bundle.bytes), at(`${name}-again`));
    expect(digest).toBe(bundle.package);
    expect(await contentsOf(at(`${name}-again`))).toEqual(await contentsOf(at(name)));
  });

  it('finds the weights in every form the exporter writes', async () => {
    const found = codesIn(await readFile(at('first', 'model.onnx')));
    expect(
      found.map(({ packing: { bits, order }, shape: { rows, columns, kernel } }) => [
        bits,
        order,
        rows,
        columns,
        kernel,
      ]),
    ).toEqual([
      [4, 'consecutive', 32, 16, 9],
      [4, 'planes', 16, 32, 9],
      [2, 'planes', 16, 32, 9],
      [8, 'consecutive', 10, 128, 1],
    ]);
    const { runBytes, packageBytes, bytes, sizes } = await bundlePackage(at('first'));
    expect(sizes.codes).toBeLessThan(0.95 * found.reduce((sum, each) => sum + each.bytes, 0));
    expect(runBytes).toBeLessThan(packageBytes);
    expect(bytes.length).toBeLessThan(packageBytes);
  });

  it('of differences is a fraction, and gives the same files back beside its parent', async () => {
    const [whole, delta] = [
      await bundlePackage(at('second')),
      await bundlePackage(at('second'), { parent: at('first') }),
    ];
    expect(delta.bytes.length).toBeLessThan(0.4 * whole.bytes.length);
    const path = await written('delta.bundle', delta.bytes);
    await unpackBundle(path, at('delta-again'), { parent: at('first') });
    expect(await contentsOf(at('delta-again'))).toEqual(await contentsOf(at('second')));
    await expect(unpackBundle(path, at('nothing'))).rejects.toMatchObject({ code: 'BUNDLE_PARENT' });
    await expect(unpackBundle(path, at('nothing'), { parent: at('second') })).rejects.toMatchObject({
      code: 'BUNDLE_PARENT',
    });
    expect(await readdir(folder())).not.toContain('nothing');
  });

  it('of differences from a network of another shape says no worse than the whole', async () => {
    const [whole, delta] = [
      await bundlePackage(at('first')),
      await bundlePackage(at('first'), { parent: at('float') }),
    ];
    expect(delta.bytes.length).toBeLessThan(whole.bytes.length + 100);
    await unpackBundle(await written('other.bundle', delta.bytes), at('other-again'), { parent: at('float') });
    expect(await contentsOf(at('other-again'))).toEqual(await contentsOf(at('first')));
  });

  it('carries a signature that lies beside', async () => {
    const { digest } = await writeCodePackage(at('signed'));
    await writeFile(at('signed', 'model.sig'), '{}');
    const bundle = await bundlePackage(at('signed'));
    expect(bundle.package).toBe(digest);
    await unpackBundle(await written('signed.bundle', bundle.bytes), at('signed-again'));
    expect(await readFile(at('signed-again', 'model.sig'), 'utf8')).toBe('{}');
    expect((await readPackage(at('signed-again'))).digest).toBe(digest);
  });

  it('with any byte flipped, or cut anywhere, is refused and leaves nothing', async () => {
    const { bytes } = await bundlePackage(at('second'), { parent: at('first') });
    const before = (await readdir(folder())).length + 1;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        async (place, mask, cut) => {
          const harmed = Uint8Array.from(cut ? bytes.subarray(0, place) : bytes);
          if (!cut) harmed[place]! ^= mask;
          const path = await written('harmed.bundle', harmed);
          await expect(unpackBundle(path, at('harmed'), { parent: at('first') })).rejects.toMatchObject({
            code: expect.stringMatching(/^BUNDLE_/),
          });
        },
      ),
      { numRuns: 40 },
    );
    expect(await readdir(folder())).toHaveLength(before);
  });

  it('says which limit it exceeds before it unpacks anything', async () => {
    const path = await written('large.bundle', (await bundlePackage(at('first'))).bytes);
    await expect(unpackBundle(path, at('large'), { limits: { bytes: 1000 } })).rejects.toMatchObject({
      code: 'BUNDLE_TOO_LARGE',
    });
    await expect(unpackBundle(path, at('large'), { limits: { files: 2 } })).rejects.toMatchObject({
      code: 'BUNDLE_TOO_LARGE',
    });
  });

  it('is unpacked without anything that writes or runs models', () => {
    const loaded = [...loadedBy('deploy/bundle/read-bundle.ts')];
    expect(loaded).toContain('deploy/bundle/range-coder.ts');
    const ofOffice = ['inference/package.ts', 'deploy/bundle/onnx-codes.ts', 'onnxruntime-node'];
    expect(loaded.filter((file) => ofOffice.includes(file))).toEqual([]);
  });

  it('can be stopped', async () => {
    const path = await written('stopped.bundle', (await bundlePackage(at('first'))).bytes);
    await expect(unpackBundle(path, at('stopped'), { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(await readdir(folder())).not.toContain('stopped');
  });
});
