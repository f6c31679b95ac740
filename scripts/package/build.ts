import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { boxCode, bundledPackage } from './box-code.ts';
import { boxPackage } from './contents.ts';
import type { Deb } from './deb.ts';
import { slimNode } from './node/slim-node.ts';
import { type Architecture, PLATFORMS } from './platform.ts';
import { fetchPackage, stripper } from './registry.ts';

const CACHE = join(PACKAGE_ROOT, 'node_modules', '.cache', 'wayside-package');

/**
 * The Debian package of a box, ready to be compressed. What is not of this machine comes from the npm registry, once.
 *
 * @param mtime of every file, in seconds since the epoch
 * @param maintainer `NAME <ADDRESS>`. @default that of `package.json`
 * @throws {PackagingError} the registry, or a program that is needed, is not there
 */
export function boxDeb(architecture: Architecture, mtime: number, maintainer?: string): Omit<Deb, 'level'> {
  const { node, strip } = PLATFORMS[architecture];
  mkdirSync(CACHE, { recursive: true });
  const runtime = fetchPackage(node, CACHE);
  const stripped = stripper(strip, CACHE);
  const binary = slimNode(readFileSync(stripped(join(runtime, 'bin', 'node'))));
  const code = boxCode(architecture, CACHE, stripped);
  const runs = { binary, bundled: bundledPackage(runtime), integrity: node.integrity };
  return boxPackage(architecture, code, runs, mtime, maintainer);
}
