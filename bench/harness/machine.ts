import { readFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT, VERSION } from '../../core/layout.ts';

/** The machine and the software that figures came from. */
export interface Machine {
  readonly cpu: string;
  /** Logical processors. */
  readonly cores: number;
  /** Instruction sets that decide the speed of int8 products, of those the processor has. */
  readonly instructionSets: readonly string[];
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  readonly wayside: string;
  /** Installed versions of the packages that do the work. */
  readonly packages: Readonly<Record<(typeof PACKAGES)[number], string>>;
}

/** Names in `/proc/cpuinfo`: `flags` on x86-64, `Features` on Arm. */
const INT8_FLAGS = ['avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp', 'i8mm'];
const PACKAGES = ['onnxruntime-node', 'onnx-proto', 'protobufjs', 'mqtt', 'sharp', 'aedes'] as const;

/** True where int8 dot products are one instruction: the machines the speed thresholds speak of. */
export const hasInt8DotProduct = ({ instructionSets }: Machine): boolean =>
  instructionSets.some((name) => /vnni|amx_int8|asimddp/.test(name));

/** Field `PRETTY_NAME` of os-release(5), or the kernel's name where there is none. */
async function osName(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? type();
}

async function instructionSets(): Promise<string[]> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? []);
  return INT8_FLAGS.filter((flag) => flags.has(flag));
}

async function packageVersion(name: string): Promise<string> {
  const text = await readFile(join(PACKAGE_ROOT, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function packageVersions(): Promise<Machine['packages']> {
  const versions = await Promise.all(PACKAGES.map(async (name) => [name, await packageVersion(name)] as const));
  return Object.fromEntries(versions) as Machine['packages'];
}

export async function describeMachine(): Promise<Machine> {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    instructionSets: await instructionSets(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${await osName()}, ${type()} ${release()} ${arch()}`,
    node: process.version,
    wayside: VERSION,
    packages: await packageVersions(),
  };
}
