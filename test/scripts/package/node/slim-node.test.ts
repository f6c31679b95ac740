import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { withoutBytes } from '../../../../scripts/package/node/elf.ts';
import { englishData, findIcuData } from '../../../../scripts/package/node/icu-data.ts';
import { slimNode } from '../../../../scripts/package/node/slim-node.ts';
import { PackagingError } from '../../../../scripts/package/registry.ts';
import { temporaryFolder } from '../../../support/folder.ts';

/** What a program says of its language, its time and its work, on a binary of Node. */
const WORK = `
const crypto = require('node:crypto');
const at = Date.UTC(2026, 6, 1, 12);
const time = (zone, locale) => new Date(at).toLocaleString(locale, { timeZone: zone });
const thrown = (run) => { try { run(); } catch (error) { return error.name; } };
process.stdout.write(JSON.stringify({
  version: process.version,
  icu: process.versions.icu,
  zones: ['Europe/Berlin', 'Asia/Kathmandu', 'America/New_York'].map((zone) => time(zone, 'en')),
  local: new Date(at).getTimezoneOffset(),
  number: new Intl.NumberFormat('en-US').format(1234567.5),
  bytes: new Intl.NumberFormat('en-US', { style: 'unit', unit: 'megabyte' }).format(12),
  sorted: ['10.0.0.9', '10.0.0.10', 'Ä', 'a', 'Z'].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })),
  plural: new Intl.PluralRules('en', { type: 'ordinal' }).select(22),
  decoded: new TextDecoder('shift_jis').decode(new Uint8Array([0x93, 0xfa, 0x96, 0x7b])),
  normal: 'ﬁ½'.normalize('NFKC'),
  host: new URL('http://MÜNCHEN.example/').hostname,
  upper: 'straße'.toUpperCase(),
  letters: 'aßЖ9'.replace(/\\P{Letter}/gu, ''),
  words: [...new Intl.Segmenter('en', { granularity: 'word' }).segment('Two words')].length,
  digest: crypto.createHash('sha256').update('x').digest('hex'),
  wrong: thrown(() => new Intl.NumberFormat('not a language')),
  others: ['de', 'tr', 'zh-Hant', 'ar-EG', 'th'].map((each) => typeof time('UTC', each) + typeof new Intl.Collator(each).compare('a', 'b')),
}));
`;

const buildsIn = (file: string): boolean => {
  try {
    findIcuData(readFileSync(file));
    return process.platform === 'linux';
  } catch (thrown) {
    if (thrown instanceof PackagingError) return false; // built with ICU of the system
    throw thrown;
  }
};

describe.runIf(buildsIn(process.execPath))('Node with the English of ICU alone', () => {
  const folder = temporaryFolder();
  const slim = (): string => join(folder(), 'node');
  const says = (node: string, language = 'C.UTF-8'): Record<string, unknown> =>
    JSON.parse(
      execFileSync(node, ['-e', WORK], { encoding: 'utf8', env: { TZ: 'Asia/Tokyo', LANG: language } }),
    ) as Record<string, unknown>;
  let whole: Buffer;
  let small: Buffer;
  beforeAll(() => {
    whole = readFileSync(process.execPath);
    small = slimNode(whole);
    writeFileSync(slim(), small, { mode: 0o755 });
  });

  it('does what it did, is 15 MB smaller, and the same at every build', () => {
    expect(says(slim())).toEqual(says(process.execPath));
    expect(whole.length - small.length).toBeGreaterThan(15e6);
    expect(slimNode(whole).equals(small)).toBe(true);
  });

  it('starts where the system speaks another language', () => {
    expect(says(slim(), 'de_DE.UTF-8')).toMatchObject({ local: -540, number: '1,234,567.5' });
  });

  it('is cut once', () => {
    expect(() => slimNode(small)).toThrow(PackagingError);
  });
});

/** As genrb and icupkg order it: names up, each item at a multiple of 16. */
function icuData(items: Readonly<Record<string, string>>): Buffer {
  const header = Buffer.alloc(32);
  header.writeUInt16LE(header.length, 0);
  Buffer.from([0xda, 0x27, 20, 0, 0, 0, 0, 0, 2, 0, ...Buffer.from('CmnD')]).copy(header, 2);
  const sorted = Object.entries(items).sort(([a], [b]) => (a < b ? -1 : 1));
  const table = Buffer.alloc(4 + 8 * sorted.length);
  table.writeUInt32LE(sorted.length, 0);
  const names = sorted.map(([name]) => Buffer.from(`${name}\0`));
  const start = Math.ceil((header.length + table.length + Buffer.concat(names).length) / 16) * 16;
  sorted.forEach((_, index) => {
    table.writeUInt32LE(table.length + Buffer.concat(names.slice(0, index)).length, 4 + 8 * index);
    table.writeUInt32LE(start - header.length + 16 * index, 8 + 8 * index);
  });
  const front = Buffer.concat([header, table, ...names]);
  const bodies = sorted.map(([, text]) => Buffer.from(text.padEnd(16)));
  return Buffer.concat([front, Buffer.alloc(start - front.length), ...bodies]);
}

describe('the data of ICU', () => {
  const ALL = {
    'icudt/coll/ucadata.icu': 'all languages',
    'icudt/de.res': 'German',
    'icudt/en.res': 'English',
    'icudt/en_GB.res': 'British',
    'icudt/pool.res': 'shared',
    'icudt/pt_BR.res': 'Brazilian',
    'icudt/root.res': 'root',
    'icudt/zoneinfo64.res': 'zones',
    'icudt/zone/fil_PH.res': 'Tagalog',
    'icudt/zone/zu.res': 'times in Zulu',
    'icudt/zu.res': 'Zulu',
  };

  it('keeps what is of no language, and English, as icupkg would have written it', () => {
    const all = icuData(ALL);
    const { data, replaces } = englishData(Buffer.concat([all, Buffer.from('what follows')]));
    const kept = Object.entries(ALL).filter(([name]) => !/(?:de|pt_BR|fil_PH|zu)\.res$/.test(name));
    expect(data.equals(icuData(Object.fromEntries(kept)))).toBe(true);
    expect(replaces).toBeLessThan(all.length);
    expect(replaces).toBeGreaterThan(data.length);
  });

  it('is left alone where it is not what is known', () => {
    const english = Object.fromEntries(Object.entries(ALL).filter(([name]) => !name.endsWith('zu.res')));
    expect(() => englishData(icuData(english))).toThrow(PackagingError); // its last item's size is not told
    expect(() => findIcuData(Buffer.from('a program'))).toThrow(PackagingError);
    expect(() => findIcuData(Buffer.concat([icuData(ALL), icuData(ALL)]))).toThrow(PackagingError);
    expect(() => withoutBytes(Buffer.from('MZ a program of Windows'), 0, 9)).toThrow(PackagingError);
  });
});
