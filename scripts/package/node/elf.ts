import { PackagingError } from '../registry.ts';

/** ELF-64, little-endian: offsets of fields by the System V ABI, chapters 4 and 5. */
const HEADER = { phoff: 32, shoff: 40, phentsize: 54, phnum: 56, shentsize: 58, shnum: 60 } as const;
const SEGMENT = { type: 0, flags: 4, offset: 8, vaddr: 16, paddr: 24, filesz: 32, memsz: 40, align: 48 } as const;
const SECTION = { offset: 24, size: 32 } as const;
const [PT_LOAD, PT_NOTE] = [1, 4];
const WRITABLE = 2;
const IDENT = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);

const unknown = (what: string): PackagingError =>
  new PackagingError(`Node is built in another way than is known: ${what}`);

const u64 = (table: Buffer, offset: number): number => Number(table.readBigUInt64LE(offset));
const setU64 = (table: Buffer, offset: number, value: number): void =>
  void table.writeBigUInt64LE(BigInt(value), offset);

function entries(file: Buffer, offset: number, size: number, count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(file.subarray(offset + index * size, offset + (index + 1) * size)),
  );
}

/**
 * A program without bytes of its read-only data that nothing reads: whole pages of them leave the file, and their addresses stay
 * unmapped. Everything else keeps its address, so nothing has to be linked anew.
 *
 * The segment around them becomes two. The place for one more in the table of segments is that of the notes, which only say who built
 * the file; PT_LOAD stay in the order of their addresses, as the ABI wants it.
 *
 * @param from first byte that may go, to the first one that has to stay
 * @throws {PackagingError} the file is built otherwise than Node's are
 */
export function withoutBytes(file: Buffer, from: number, to: number): Buffer {
  if (!file.subarray(0, IDENT.length).equals(IDENT)) throw unknown('no ELF file of 64 bits, little-endian');
  const half = (field: number): number => file.readUInt16LE(field);
  const [phoff, shoff] = [u64(file, HEADER.phoff), u64(file, HEADER.shoff)];
  const segments = entries(file, phoff, half(HEADER.phentsize), half(HEADER.phnum));
  const around = segments.find(
    (each) =>
      each.readUInt32LE(SEGMENT.type) === PT_LOAD &&
      u64(each, SEGMENT.offset) <= from &&
      to <= u64(each, SEGMENT.offset) + u64(each, SEGMENT.filesz),
  );
  const notes = segments.find((each) => each.readUInt32LE(SEGMENT.type) === PT_NOTE);
  if (around === undefined || around.readUInt32LE(SEGMENT.flags) & WRITABLE || notes === undefined)
    throw unknown('expected the bytes in a segment that is only read, and notes to do without');

  // Later segments keep their addresses, hence what goes is a multiple of every alignment that they ask for.
  const page = Math.max(
    ...segments
      .filter(
        (each) =>
          each.readUInt32LE(SEGMENT.type) === PT_LOAD && u64(each, SEGMENT.offset) >= u64(around, SEGMENT.offset),
      )
      .map((each) => u64(each, SEGMENT.align)),
  );
  const cut = Math.ceil(from / page) * page;
  const gone = Math.floor((to - cut) / page) * page;
  if (gone <= 0) return file;

  const before = u64(around, SEGMENT.offset);
  const rest = Buffer.from(around);
  for (const field of [SEGMENT.vaddr, SEGMENT.paddr]) setU64(rest, field, u64(around, field) + cut + gone - before);
  setU64(rest, SEGMENT.offset, cut);
  const left = u64(around, SEGMENT.filesz) - (cut + gone - before);
  for (const field of [SEGMENT.filesz, SEGMENT.memsz]) {
    setU64(rest, field, left);
    setU64(around, field, cut - before);
  }
  const moved = (offset: number): number => (offset >= cut + gone ? offset - gone : offset);
  for (const each of segments) setU64(each, SEGMENT.offset, moved(u64(each, SEGMENT.offset)));

  const sections = entries(file, shoff, half(HEADER.shentsize), half(HEADER.shnum));
  for (const each of sections) {
    const [offset, size] = [u64(each, SECTION.offset), u64(each, SECTION.size)];
    if (offset < cut && offset + size > cut) setU64(each, SECTION.size, cut - offset);
    setU64(each, SECTION.offset, moved(offset));
  }

  const result = Buffer.concat([file.subarray(0, cut), file.subarray(cut + gone)]);
  setU64(result, HEADER.shoff, moved(shoff));
  const table = segments.flatMap((each) => (each === around ? [each, rest] : each === notes ? [] : [each]));
  Buffer.concat(table).copy(result, phoff);
  Buffer.concat(sections).copy(result, moved(shoff));
  return result;
}
