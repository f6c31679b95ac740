import { contentOf, type Entry } from './entries.ts';

/** POSIX.1-1988 (ustar): a header of 512 bytes, then the content, filled up to whole blocks. */
const BLOCK = 512;
const [NAME_BYTES, PREFIX_BYTES] = [100, 155];

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

/** A long path is told in two fields, cut at a slash. */
function nameFields(path: string): { readonly name: string; readonly prefix: string } {
  if (Buffer.byteLength(path) <= NAME_BYTES) return { name: path, prefix: '' };
  for (let cut = path.indexOf('/', path.length - NAME_BYTES - 1); cut > 0; cut = path.indexOf('/', cut + 1)) {
    const [prefix, name] = [path.slice(0, cut), path.slice(cut + 1)];
    if (name !== '' && Buffer.byteLength(name) <= NAME_BYTES && Buffer.byteLength(prefix) <= PREFIX_BYTES)
      return { name, prefix };
  }
  throw new Error(`${path} is too long for a tar archive`);
}

function header({ path, mode, link }: Entry, size: number, isFolder: boolean, mtime: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const put = (offset: number, value: string): void => void block.write(value, offset, 'utf8');
  const { name, prefix } = nameFields(`./${path}${isFolder && path !== '' ? '/' : ''}`);
  const type = link !== undefined ? '2' : isFolder ? '5' : '0';
  put(0, name);
  put(100, octal(link !== undefined ? 0o777 : (mode ?? (isFolder ? 0o755 : 0o644)), 7));
  put(108, octal(0, 7)); // user and group: root
  put(116, octal(0, 7));
  put(124, octal(size, 11));
  put(136, octal(mtime, 11));
  put(148, ' '.repeat(8)); // the checksum is taken with spaces in its own place
  put(156, type);
  put(157, link ?? '');
  put(257, 'ustar\x0000');
  put(265, 'root');
  put(297, 'root');
  put(345, prefix);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)} `);
  return block;
}

/**
 * The blocks of a tar archive, the same for the same entries: nothing of the machine, user or hour goes in.
 *
 * @param mtime of every entry, in seconds since the epoch
 */
export function* tarBlocks(entries: readonly Entry[], mtime: number): Generator<Uint8Array> {
  yield header({ path: '' }, 0, true, mtime);
  for (const entry of entries) {
    const content = contentOf(entry);
    const size = content?.length ?? 0;
    yield header(entry, size, content === undefined && entry.link === undefined, mtime);
    if (content === undefined) continue;
    yield content;
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  }
  yield Buffer.alloc(2 * BLOCK);
}
