import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Enums, Models } from '@cyclonedx/cyclonedx-library';
import { PACKAGE_ROOT, VERSION } from '../../core/layout.ts';
import { billOfMaterials, licenceOf, npmUrl } from '../../core/sbom/bill-of-materials.ts';
import type { BundledPackage } from './box-code.ts';
import { contentOf, type Entry } from './entries.ts';
import type { Architecture } from './platform.ts';

const NATIVE = /\.node$|\.so(?:\.\d+)*$|\/bin\/node$/;
const { Component, HashDictionary } = Models;
const SHA256 = Enums.HashAlgorithm['SHA-256'];
const SHA512 = Enums.HashAlgorithm['SHA-512'];

type Lock = Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;

/** Digests of the archives of the registry that packages came in, by name and version. */
function archiveDigests(): (name: string, version: string) => string | undefined {
  const { packages } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8')) as { packages: Lock };
  const known = new Map(
    Object.entries(packages).map(([path, { version, integrity }]) => [
      `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`,
      integrity,
    ]),
  );
  return (name, version) => known.get(`${name}@${version}`);
}

const hex = (integrity: string): string => Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');

function packageComponent({ name, version, licence }: BundledPackage, integrity: string | undefined): Models.Component {
  const purl = npmUrl(name, version);
  const known = licence === 'see its text' ? [] : [licenceOf(licence)];
  return new Component(Enums.ComponentType.Library, name, {
    ...{ version, purl, bomRef: purl, licenses: new Models.LicenseRepository(known) },
    ...(integrity?.startsWith('sha512-') && { hashes: new HashDictionary([[SHA512, hex(integrity)]]) }),
  });
}

/** What was compiled: a vulnerability in Node or ONNX Runtime is looked for by these names, not by those of npm. */
function compiled(name: string, version: string, licence: string, purl: string): Models.Component {
  const licenses = new Models.LicenseRepository([licenceOf(licence)]);
  return new Component(Enums.ComponentType.Library, name, { version, purl, bomRef: purl, licenses });
}

/** @param integrity of the archive that Node came in */
export interface BundledNode {
  readonly bundled: BundledPackage;
  readonly integrity: string;
}

/**
 * CycloneDX 1.7 bill of what a package for boxes installs: packages of npm with the digests of their archives, and the binaries
 * with the digests that they have on the box, stripped.
 *
 * @param mtime of the package, in seconds since the epoch
 */
export function packageBom(
  architecture: Architecture,
  entries: readonly Entry[],
  packages: readonly BundledPackage[],
  node: BundledNode,
  mtime: number,
): string {
  const purl = `pkg:deb/wayside/wayside@${VERSION}?arch=${architecture}`;
  const licenses = new Models.LicenseRepository([licenceOf('MIT')]);
  const subject = new Component(Enums.ComponentType.Application, 'wayside', {
    ...{ version: VERSION, purl, bomRef: purl, licenses },
  });
  const digestOf = archiveDigests();
  const files = entries
    .filter(({ path }) => NATIVE.test(path))
    .map((entry) => {
      const digest = createHash('sha256')
        .update(contentOf(entry) ?? '')
        .digest('hex');
      const hashes = new HashDictionary([[SHA256, digest]]);
      return new Component(Enums.ComponentType.File, `/${entry.path}`, { bomRef: `file:/${entry.path}`, hashes });
    });
  const runtime = packages.find(({ name }) => name === 'onnxruntime-node');
  const parts = [
    ...packages.map((each) => packageComponent(each, digestOf(each.name, each.version))),
    packageComponent(node.bundled, node.integrity),
    compiled('node', node.bundled.version, node.bundled.licence, `pkg:generic/node@${node.bundled.version}`),
    ...(runtime === undefined
      ? []
      : [
          compiled(
            'onnxruntime',
            runtime.version,
            runtime.licence,
            `pkg:github/microsoft/onnxruntime@v${runtime.version}`,
          ),
        ]),
    ...files,
  ];
  return billOfMaterials(subject, parts, { time: mtime });
}
