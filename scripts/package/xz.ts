import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Entry } from './entries.ts';
import { tarBlocks } from './tar.ts';

/**
 * How xz compresses. Of Node and ONNX Runtime `preset=9` makes 38.66 MB; `preset=9e,lc=4,pb=0` took a quarter more time for 38.80.
 *
 * @param x86 jumps of x86 code made absolute before xz looks for repetitions: 8% of ONNX Runtime
 */
export const xzFilters = (level: number, x86: boolean): string[] => [
  ...(x86 ? ['--x86'] : []),
  `--lzma2=preset=${level}`,
];

/** A tar archive of entries through xz. In one thread: with several, the bytes depend on how many there are. */
export async function compressed(
  entries: readonly Entry[],
  mtime: number,
  filters: readonly string[],
): Promise<Buffer> {
  const xz = spawn('xz', ['--compress', '--stdout', '--threads=1', ...filters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(xz, 'close');
  const [parts] = await Promise.all([
    xz.stdout.toArray() as Promise<Buffer[]>,
    pipeline(Readable.from(tarBlocks(entries, mtime)), xz.stdin),
  ]);
  const [status] = (await ended) as [number | null];
  if (status !== 0) throw new Error(`xz ended with ${status}`);
  return Buffer.concat(parts);
}
