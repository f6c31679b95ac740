import { spawnSync } from 'node:child_process';
import { PackagingError } from '../registry.ts';

const [MAGIC, AR_HEADER, TAR_BLOCK] = ['!<arch>\n', 60, 512];

/** A member of an ar archive by the beginning of its name. */
function arMember(archive: Uint8Array, wanted: string): Uint8Array | undefined {
  const text = (from: number, to: number): string => Buffer.from(archive.subarray(from, to)).toString('latin1').trim();
  if (text(0, MAGIC.length) !== MAGIC.trim()) return undefined;
  for (let at = MAGIC.length; at + AR_HEADER <= archive.length; ) {
    const [name, size] = [text(at, at + 16), Number(text(at + 48, at + 58))];
    const content = at + AR_HEADER;
    if (!Number.isSafeInteger(size) || size < 0 || content + size > archive.length) return undefined;
    if (name.startsWith(wanted)) return archive.subarray(content, content + size);
    at = content + size + (size % 2);
  }
  return undefined;
}

/** A file of a tar archive whose names are short, as those of `control.tar` are. */
function tarFile(archive: Buffer, wanted: string): string | undefined {
  for (let at = 0; at + TAR_BLOCK <= archive.length; ) {
    const name = archive.toString('utf8', at, archive.indexOf(0, at));
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8);
    if (name === '' || Number.isNaN(size)) return undefined;
    if (name.replace('./', '') === wanted) return archive.toString('utf8', at + TAR_BLOCK, at + TAR_BLOCK + size);
    at += TAR_BLOCK + Math.ceil(size / TAR_BLOCK) * TAR_BLOCK;
  }
  return undefined;
}

/** A paragraph of fields of a Debian package. */
interface DebFields {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** All of its fields, as it has them. */
  readonly control: string;
}

/**
 * What a Debian package (deb(5)) says of itself.
 *
 * @param file name for messages
 * @throws {PackagingError} it is none
 */
export function debFields(file: string, bytes: Uint8Array): DebFields {
  const packed = arMember(bytes, 'control.tar.xz');
  const { stdout, status } = spawnSync('xz', ['--decompress', '--stdout'], { input: packed ?? Buffer.alloc(0) });
  const control = packed === undefined || status !== 0 ? undefined : tarFile(stdout, 'control');
  const field = (name: string): string => {
    const value = new RegExp(`^${name}: *(.+)$`, 'm').exec(control ?? '')?.[1];
    if (value === undefined) throw new PackagingError(`${file}: expected a Debian package with the field ${name}`);
    return value;
  };
  const [name, version, architecture] = [field('Package'), field('Version'), field('Architecture')];
  return { name, version, architecture, control: (control ?? '').trimEnd() };
}
