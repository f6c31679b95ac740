/** What a disk may hold of what was not flushed, after a cut. */
export const LOSSES = ['kept', 'lost', 'torn', 'zeroed', 'pages', 'names-lost', 'data-lost', 'mixed'] as const;
/**
 * - `kept`: everything arrived, as after kill -9
 * - `lost`: nothing that was not flushed
 * - `torn`: every name, and of data that was not flushed the first half
 * - `zeroed`: every name, and data that was not flushed has its length and holds zeros
 * - `pages`: every name, and of data that was not flushed each page by chance; the others hold zeros, or what was flushed
 * - `names-lost`: all data, no name that was not flushed: renames are undone
 * - `data-lost`: every name, no data that was not flushed
 * - `mixed`: each by chance
 */
export type Loss = (typeof LOSSES)[number];

/** What chance chooses from, file by file. */
export const MIXED = ['kept', 'torn', 'zeroed', 'lost', 'pages'] as const satisfies readonly Loss[];

/** What a disk writes at once. */
const PAGE_BYTES = 4096;

function somePages(content: Buffer, flushed: Buffer, arrives: () => boolean): Buffer {
  const left = Buffer.from(content);
  for (let at = 0; at < content.length; at += PAGE_BYTES) {
    if (arrives()) continue;
    const end = Math.min(content.length, at + PAGE_BYTES);
    left.fill(0, at, end);
    left.set(flushed.subarray(at, end), at);
  }
  return left;
}

/**
 * What is left of a file's data that were not all flushed.
 *
 * @param arrives by chance, for each page
 */
export function leftOf(content: Buffer, flushed: Buffer, how: Loss, arrives: () => boolean): Buffer {
  if (how === 'kept' || how === 'names-lost') return content;
  if (how === 'pages') return somePages(content, flushed, arrives);
  if (how === 'torn') return content.subarray(0, Math.floor((flushed.length + content.length) / 2));
  if (how === 'zeroed') return Buffer.concat([flushed, Buffer.alloc(Math.max(0, content.length - flushed.length))]);
  return flushed;
}
