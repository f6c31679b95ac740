import { readFileSync } from 'node:fs';

/** `status` reports kibibytes; `statm` would need the page size, which is 16 KiB on some arm64 kernels. */
const STATUS_LINE = /^VmRSS:\s+(\d+) kB$/m;

/** Resident memory of a process, bytes; null when it is gone or the system does not tell (no /proc). */
export function residentBytes(pid: number): number | null {
  try {
    const kib = STATUS_LINE.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null; // ended meanwhile: "not seen" is the answer
  }
}

/** Resident memory of several processes together; null when none was seen. */
export function residentBytesOf(pids: readonly number[]): number | null {
  const seen = pids.map(residentBytes).filter((bytes) => bytes !== null);
  return seen.length === 0 ? null : seen.reduce((sum, bytes) => sum + bytes, 0);
}
