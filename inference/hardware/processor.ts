import { readFileSync } from 'node:fs';

/**
 * What of a processor decides how fast int8 is: ONNX Runtime looks for these by itself and takes the fastest kernels that they allow.
 * By the names that the kernel gives them (x86 `flags`, Arm `Features`).
 */
const INSTRUCTIONS = {
  avx2: 'avx2',
  avx512f: 'avx512f',
  avx_vnni: 'vnni',
  avx512_vnni: 'vnni',
  amx_int8: 'amx-int8',
  asimd: 'neon',
  asimddp: 'dotprod',
  i8mm: 'i8mm',
} as const;

/** Instruction sets of the first processor that matter to a model, by `/proc/cpuinfo`; empty where the system does not tell. */
export function instructionSets(read = () => readFileSync('/proc/cpuinfo', 'utf8')): readonly string[] {
  let text: string;
  try {
    text = read();
  } catch {
    return []; // no /proc: not known
  }
  const listed = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1]?.split(' ') ?? [];
  const found = Object.entries(INSTRUCTIONS).flatMap(([name, word]) => (listed.includes(name) ? [word] : []));
  return [...new Set(found)];
}
