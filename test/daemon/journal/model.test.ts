import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BOX, entryOf, FOLDER, gapEntry, gapOf, nameOf } from '../../../bench/harness/journal/life.ts';
import { LOSSES } from '../../../bench/harness/power-cuts/losses.ts';
import { MemoryFiles } from '../../../bench/harness/power-cuts/memory-files.ts';
import { seededRandom } from '../../../core/random.ts';
import { Journal } from '../../../daemon/journal/journal.ts';
import { MessageReader, type Read } from '../../../daemon/journal/reader.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';

const HOUR = 3_600_000;

type Act =
  | { readonly do: 'append'; readonly count: number }
  | { readonly do: 'commit' | 'close' | 'kill' }
  | { readonly do: 'acknowledge'; readonly share: number }
  | { readonly do: 'cut'; readonly loss: (typeof LOSSES)[number]; readonly seed: number }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'fill'; readonly room: number }
  | { readonly do: 'clear' };

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('commit' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('acknowledge' as const),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'kill' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('cut' as const), loss: fc.constantFrom(...LOSSES), seed: fc.nat() }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('fill' as const), room: fc.integer({ min: 0, max: 600 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
  ),
  { minLength: 1, maxLength: 80 },
);

/**
 * The model: a list of names that were taken, in order; which of them were flushed is known from what can be read. Every one that was
 * taken is delivered, still waits, or lies in a gap; numbers only rise; nothing that was delivered comes back as something else.
 */
class Model {
  files = new MemoryFiles();
  journal: Journal;
  reader: MessageReader;
  now = Date.UTC(2026, 0, 1);
  taken = 0;
  /** Delivered, by number. */
  readonly seen = new Map<number, string>();
  readonly gaps: (readonly [from: number, to: number])[] = [];
  readonly unacknowledged: Read[] = [];
  /** Names that wait for the disk, at most: a cut may take them. */
  waiting = new Set<string>();
  readonly mayBeLost = new Set<string>();

  constructor() {
    [this.journal, this.reader] = this.fresh();
  }

  fresh(): [Journal, MessageReader] {
    const retention = { quotaBytes: 16_000, keepMs: 10 * HOUR, segmentBytes: 1500, segmentMs: 24 * HOUR };
    const options = { box: BOX, retention, gapEntry, memoryBytes: 600, now: () => this.now };
    const journal = new Journal(this.files, FOLDER, options);
    return [journal, new MessageReader(this.files, FOLDER, journal)];
  }

  async start(): Promise<void> {
    const room = this.files.room;
    this.files.room = Number.POSITIVE_INFINITY;
    [this.journal, this.reader] = this.fresh();
    this.unacknowledged.length = 0;
    await this.journal.open();
    this.files.room = room;
  }

  async run(act: Act): Promise<void> {
    if (act.do === 'append') {
      for (let index = 0; index < act.count; index++) {
        const name = `message ${this.taken++}`;
        this.waiting.add(name);
        this.journal.append(entryOf(name));
      }
    } else if (act.do === 'commit') await this.commit();
    else if (act.do === 'acknowledge') {
      const upTo = this.unacknowledged.splice(0, Math.ceil(this.unacknowledged.length * act.share)).at(-1);
      if (upTo !== undefined) this.journal.acknowledge(upTo.journalSeq, upTo.ordinal);
    } else if (act.do === 'wait') this.now += act.hours * HOUR;
    else if (act.do === 'fill') this.files.room = act.room;
    else if (act.do === 'clear') this.files.room = Number.POSITIVE_INFINITY;
    else {
      if (act.do === 'close') await this.journal.close();
      await this.read();
      if (act.do === 'cut') this.files = this.files.afterCut(act.loss, seededRandom(act.seed));
      for (const name of this.waiting) this.mayBeLost.add(name);
      this.waiting.clear();
      await this.start();
    }
  }

  async commit(): Promise<void> {
    await this.journal.commit();
    await this.read();
  }

  async read(): Promise<void> {
    for (let some = await this.reader.read(); some.length > 0; some = await this.reader.read()) {
      for (const message of some) {
        const name = nameOf(message) ?? 'gap';
        const gap = gapOf(message);
        if (gap !== undefined && !this.seen.has(message.journalSeq)) this.gaps.push([gap.from, gap.to]);
        const before = this.seen.get(message.journalSeq);
        if (before !== undefined && before !== name) throw new Error(`${message.journalSeq}: ${before}, now ${name}`);
        const last = this.unacknowledged.at(-1);
        if (last !== undefined && message.journalSeq <= last.journalSeq) throw new Error('delivered out of order');
        this.seen.set(message.journalSeq, name);
        this.waiting.delete(name);
        this.unacknowledged.push(message);
      }
    }
  }

  /** What is wrong at the end, when the disk has room again and everything was written. */
  async faults(): Promise<string[]> {
    this.files.room = Number.POSITIVE_INFINITY;
    await this.commit();
    await this.commit();
    const found = (await verifyJournal(this.files, FOLDER)).faults.slice();
    const numbers = [...this.seen.keys()].sort((a, b) => a - b);
    const inGap = (number: number): boolean => this.gaps.some(([from, to]) => from <= number && number <= to);
    for (const [index, number] of numbers.entries())
      for (let missing = (numbers[index - 1] ?? 0) + 1; missing < number; missing++) {
        if (inGap(missing)) continue;
        found.push(`number ${missing} was neither delivered nor is it in a gap`);
        break;
      }
    const names = [...this.seen.values()].filter((name) => name !== 'gap');
    if (new Set(names).size !== names.length) found.push('a message was delivered under two numbers');
    const order = [...this.seen]
      .sort(([a], [b]) => a - b)
      .flatMap(([, name]) => (name === 'gap' ? [] : [Number(name.slice(8))]));
    if (order.some((value, index) => value <= (order[index - 1] ?? -1))) found.push('the order is another');
    const lost = this.taken - names.length;
    const told = this.gaps.length > 0;
    if (lost > 0 && !told) found.push(`${lost} messages are lost and nobody says so`);
    return found;
  }
}

/** The gap of the first cut is told in a segment of which the second cut leaves the header alone. */
const AFTER_A_CUT_A_FULL_DISK_AND_A_CUT: Act[] = [
  { do: 'append', count: 6 },
  { do: 'close' },
  { do: 'cut', loss: 'kept', seed: 0 },
  { do: 'fill', room: 244 },
  { do: 'commit' },
  { do: 'cut', loss: 'kept', seed: 0 },
  { do: 'append', count: 1 },
];

it('delivers everything that was taken, in order and under numbers that rise, or tells of the gap: any life, any loss', async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (life) => {
      const model = new Model();
      await model.files.makeFolder('/var');
      model.files.flushAll();
      await model.start();
      model.journal.append(entryOf(`message ${model.taken++}`));
      await model.commit();
      for (const act of life) await model.run(act);
      expect(await model.faults()).toEqual([]);
    }),
    { numRuns: 200, examples: [[AFTER_A_CUT_A_FULL_DISK_AND_A_CUT]] },
  );
});
