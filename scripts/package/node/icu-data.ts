import { PackagingError } from '../registry.ts';

/**
 * The data of ICU that Node has in it (`icudt`, in the form of `udata_setCommonData`): a header, a table of contents, and items in the
 * order of their names, each at a multiple of 16 bytes. https://unicode-org.github.io/icu/userguide/icu_data
 */
interface IcuData {
  /** Where the table of contents begins: after the header. */
  readonly contents: number;
  readonly items: readonly Item[];
}

interface Item {
  readonly name: string;
  /** From the beginning of the data. */
  readonly offset: number;
  /** Where the next one begins; undefined of the last one, whose size is not told. */
  readonly end: number | undefined;
}

/** 0xda27 after the size of the header; then UDataInfo: its size 20, little-endian, ASCII, 16-bit characters, `CmnD`. */
const MAGIC = Buffer.from([0xda, 0x27, 20, 0, 0, 0, 0, 0, 2, 0, ...Buffer.from('CmnD')]);
const BEFORE_MAGIC = 2;
const ALIGNMENT = 16;

const aligned = (size: number): number => Math.ceil(size / ALIGNMENT) * ALIGNMENT;

/**
 * Where ICU's data begins in a binary.
 *
 * @throws {PackagingError} it is not there, or more than once
 */
export function findIcuData(binary: Buffer): number {
  const at = binary.indexOf(MAGIC);
  if (at < 0 || binary.indexOf(MAGIC, at + 1) >= 0)
    throw new PackagingError('Node is built in another way than is known: expected the data of ICU in it, once');
  return at - BEFORE_MAGIC;
}

function readIcuData(data: Buffer): IcuData {
  const contents = data.readUInt16LE(0);
  const count = data.readUInt32LE(contents);
  const field = (index: number, which: 0 | 4): number => contents + data.readUInt32LE(contents + 4 + index * 8 + which);
  const items = Array.from({ length: count }, (_, index): Item => {
    const name = field(index, 0);
    return {
      name: data.toString('latin1', name, data.indexOf(0, name)),
      offset: field(index, 4),
      end: index + 1 < count ? field(index + 1, 4) : undefined,
    };
  });
  return { contents, items };
}

/** `icudt78l/zone/pt_BR.res` says of a language how its times are written; `supplementalData.res`, `pool.res` are for all. */
const LOCALE = /(?:^|\/)([a-z]{2,3})(?:_\w+)?\.res$/;

const isOfAnotherLanguage = (name: string): boolean => {
  const language = LOCALE.exec(name)?.[1];
  return language !== undefined && language !== 'en';
};

/**
 * The data of ICU without what it says of other languages than English: five sixths of it. Time zones, converters, and everything that
 * holds for all languages stay; of another language Node says what ICU has at its root.
 *
 * @param data from its beginning; what follows it does no harm
 * @returns the data to put in its place, and how far what it replaces reaches at least
 */
export function englishData(data: Buffer): { readonly data: Buffer; readonly replaces: number } {
  const { contents, items } = readIcuData(data);
  const last = items.at(-1);
  const kept = items.filter(({ name }) => !isOfAnotherLanguage(name));
  // Only so is the last one's size, which nobody tells, of no matter.
  if (last === undefined || kept.includes(last) || kept.length === 0)
    throw new PackagingError('the data of ICU in Node is ordered in another way than is known');
  const names = kept.map(({ name }) => Buffer.from(`${name}\0`, 'latin1'));
  const table = Buffer.alloc(4 + kept.length * 8);
  table.writeUInt32LE(kept.length, 0);
  let nameAt = table.length;
  let itemAt = aligned(contents + table.length + names.reduce((sum, { length }) => sum + length, 0)) - contents;
  const parts = kept.map(({ offset, end = offset }, index) => {
    table.writeUInt32LE(nameAt, 4 + index * 8);
    table.writeUInt32LE(itemAt, 8 + index * 8);
    const item = Buffer.alloc(aligned(end - offset));
    data.copy(item, 0, offset, end);
    nameAt += names[index]?.length ?? 0;
    itemAt += item.length;
    return item;
  });
  const head = Buffer.concat([data.subarray(0, contents), table, ...names]);
  return {
    data: Buffer.concat([head, Buffer.alloc(aligned(head.length) - head.length), ...parts]),
    replaces: last.offset,
  };
}
