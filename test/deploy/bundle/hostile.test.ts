import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { WaysideError } from '../../../core/errors.ts';
import type { BundleHeader } from '../../../deploy/bundle/header.ts';
import { unpackBundle } from '../../../deploy/bundle/read-bundle.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { writeCodePackage } from '../../support/code-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type BundleParts, packedZeros, sealed, takeApart } from '../../support/hostile-bundle.ts';

/** A copy of a document with one value in it replaced, wherever `path` leads. */
function replaced(value: unknown, path: readonly number[], by: unknown): unknown {
  const [first, ...others] = path;
  if (first === undefined || typeof value !== 'object' || value === null) return by;
  const keys = Object.keys(value);
  if (keys.length === 0) return by;
  const key = keys[first % keys.length]!;
  const copy: Record<string, unknown> = { ...value };
  copy[key] = replaced(copy[key], others, by);
  return Array.isArray(value) ? Object.assign([...value], copy) : copy;
}

describe('a hostile bundle', () => {
  const folder = temporaryFolder();
  let parts: BundleParts;
  let delta: BundleParts;
  let names: ReadonlySet<string>;
  const unpack = async (bytes: Uint8Array): Promise<unknown> => {
    const path = join(folder(), 'hostile.bundle');
    await writeFile(path, bytes);
    return unpackBundle(path, join(folder(), 'inside', 'out'), {
      parent: join(folder(), 'first'),
      replace: true,
      limits: { bytes: 10_000_000 },
    });
  };

  beforeAll(async () => {
    await writeCodePackage(join(folder(), 'first'));
    await writeCodePackage(join(folder(), 'second'), { moved: 0.02, version: '2' });
    parts = takeApart((await bundlePackage(join(folder(), 'second'))).bytes);
    delta = takeApart((await bundlePackage(join(folder(), 'second'), { parent: join(folder(), 'first') })).bytes);
    await writeFile(join(folder(), 'hostile.bundle'), '');
    names = new Set([...(await readdir(folder())), 'inside']);
  });

  const edited = (edit: (files: BundleHeader['files']) => unknown): Uint8Array =>
    sealed({ ...parts.header, files: edit(parts.header.files) }, parts.rest, parts.codes);

  it.each([
    ['a path upwards', '../evil'],
    ['an absolute path', '/tmp/evil'],
    ['a path upwards inside', 'golden/../../evil'],
    ['a hidden file', '.evil'],
    ['a path of another system', 'golden\\evil'],
    ['an empty name', ''],
    ['a byte zero', 'evil\0'],
    ['a name that is too long', 'e'.repeat(201)],
  ])('with %s is refused', async (_what, name) => {
    const bundle = edited(([first, ...others]) => [{ ...first, name }, ...others]);
    await expect(unpack(bundle)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  it.each<[string, (files: BundleHeader['files']) => unknown]>([
    ['the same file twice', (files) => [...files, files[0]]],
    ['a file twice but for capitals', (files) => [...files, { ...files[0], name: files[0]!.name.toUpperCase() }]],
    ['a file that is a folder too', (files) => [...files, { name: 'golden', bytes: 0, codes: [] }]],
    [
      'codes beyond the end of a file',
      (files) => files.map((file) => ({ ...file, bytes: Math.floor(file.bytes / 2) })),
    ],
    [
      'codes that overlap',
      (files) => files.map((file) => ({ ...file, codes: file.codes.map((each) => ({ ...each, at: 0 })) })),
    ],
    ['a link', (files) => files.map((file) => ({ ...file, link: '/etc/passwd' }))],
  ])('with %s is refused', async (_what, edit) => {
    await expect(unpack(edited(edit))).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  it('that unpacks to more than is allowed is refused before it is unpacked', async () => {
    const zeros = packedZeros(50_000_000);
    const claimed = {
      ...parts.header,
      files: [{ name: 'model.onnx', bytes: 50_000_000, codes: [] }],
      rest: zeros.length,
      codes: 0,
    };
    await expect(unpack(sealed(claimed, zeros, new Uint8Array()))).rejects.toMatchObject({ code: 'BUNDLE_TOO_LARGE' });
    const understated = { ...claimed, files: [{ name: 'model.onnx', bytes: 1000, codes: [] }] };
    await expect(unpack(sealed(understated, zeros, new Uint8Array()))).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
    });
    const header = packedZeros(100_000_000);
    const bytes = Buffer.from(sealed(parts.header, header, new Uint8Array()));
    bytes.writeUInt32LE(2 ** 31, 8);
    await expect(unpack(bytes)).rejects.toMatchObject({ code: 'BUNDLE_TOO_LARGE' });
  });

  it('with weights that a few bytes cannot hold is refused when those end', async () => {
    const shape = { bits: 8, order: 'consecutive', signed: true, rows: 1000, columns: 1000, kernel: 1, kernelWidth: 1 };
    const files = [{ name: 'model.onnx', bytes: 1_000_000, codes: [{ at: 0, bytes: 1_000_000, ...shape, spread: 1 }] }];
    const bomb = sealed({ ...parts.header, files, rest: 0, codes: 8 }, new Uint8Array(), new Uint8Array(8));
    await expect(unpack(bomb)).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringContaining('too early'),
    });
  });

  it('that is a pipe, a folder or a huge file is refused at once', async () => {
    const path = join(folder(), 'hostile.bundle');
    const out = join(folder(), 'inside', 'out');
    await rm(path);
    execFileSync('mkfifo', [path]);
    await expect(unpackBundle(path, out)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
    await rm(path);
    await writeFile(path, '');
    await truncate(path, 20_000_000);
    await expect(unpackBundle(path, out, { limits: { bytes: 10_000_000 } })).rejects.toMatchObject({
      code: 'BUNDLE_TOO_LARGE',
    });
    await expect(unpackBundle(folder(), out)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
    await expect(unpackBundle(join(folder(), 'none'), out)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('of a newer format says so', async () => {
    const newer = sealed({ ...parts.header, format: 2 }, parts.rest, parts.codes);
    await expect(unpack(newer)).rejects.toMatchObject({
      code: 'BUNDLE_INVALID',
      message: expect.stringContaining('format 2'),
    });
  });

  it('that holds another package than it names is refused', async () => {
    const other = sealed({ ...parts.header, package: `sha256:${'0'.repeat(64)}` }, parts.rest, parts.codes);
    await expect(unpack(other)).rejects.toMatchObject({ code: 'BUNDLE_INVALID' });
  });

  it('whatever one value of its header says, ends in a coded error and stays in its folder', async () => {
    const values = fc.oneof(
      fc.constantFrom<unknown>(
        -1,
        0,
        1,
        2 ** 31,
        2 ** 53,
        1.5,
        Number.MAX_VALUE,
        null,
        true,
        '',
        '../x',
        [],
        {},
        'context',
      ),
      fc.integer({ min: 0, max: 3000 }),
    );
    const path = fc.array(fc.nat(60), { minLength: 1, maxLength: 5 });
    const intact = JSON.stringify([parts.header, delta.header]);
    await fc.assert(
      fc.asyncProperty(fc.boolean(), path, values, async (ofDelta, where, by) => {
        const base = ofDelta ? delta : parts;
        const header = replaced(base.header, where, by);
        const outcome = await unpack(sealed(header, base.rest, base.codes)).catch((thrown: unknown) => thrown);
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(WaysideError);
          expect((outcome as WaysideError).code).toMatch(/^(?:BUNDLE_|PACKAGE_INVALID|FILE_NOT_FOUND)/);
        }
        expect(new Set([...(await readdir(folder())), 'inside'])).toEqual(names);
      }),
      { numRuns: 150 },
    );
    expect(JSON.stringify([parts.header, delta.header])).toBe(intact);
    for (const name of await readdir(join(folder(), 'inside')).catch(() => [])) expect(name).toBe('out');
    expect(await readFile(join(folder(), 'first', 'manifest.json'), 'utf8')).toContain('"codes"');
  });
});
