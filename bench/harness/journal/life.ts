import type { JournalEntry } from '../../../contract/messenger.ts';
import { type Random, seededRandom } from '../../../core/random.ts';
import { encodeFrame } from '../../../daemon/journal/frame.ts';
import type { Gap } from '../../../daemon/journal/gap.ts';
import { Journal } from '../../../daemon/journal/journal.ts';
import { segmentsIn } from '../../../daemon/journal/opening.ts';
import { MessageReader, type Read } from '../../../daemon/journal/reader.ts';
import type { Retention } from '../../../daemon/journal/retention.ts';
import { headerBody, messageBody, segmentName } from '../../../daemon/journal/segment.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import { LOSSES, type Loss } from '../power-cuts/losses.ts';
import { MemoryFiles } from '../power-cuts/memory-files.ts';

export const FOLDER = '/var/journal';
export const BOX = 'site/box';
const AT = Date.UTC(2026, 0, 2);

/** Segments of a few messages, so that a short life has all that a long one has. */
const SMALL: Retention = { quotaBytes: 12_000, keepMs: 3_600_000, segmentBytes: 2_000, segmentMs: 86_400_000 };

export const entryOf = (name: string, kind = 'counts'): JournalEntry => ({
  ...{ kind, topic: `wayside/v1/${BOX}/${kind}`, expirySeconds: 60, capturedAt: AT },
  text: JSON.stringify({ name }),
});

export const gapEntry = (gap: Gap): JournalEntry => ({ ...entryOf('gap', 'gap'), text: JSON.stringify({ gap }) });

/** @param now hours after the beginning */
export const journalOn = (files: MemoryFiles, retention = SMALL, hours: () => number = () => 0): Journal =>
  new Journal(files, FOLDER, { box: BOX, retention, gapEntry, now: () => AT + 3_600_000 * hours() });

export const nameOf = ({ payload }: Pick<Read, 'payload'>): string | undefined =>
  (JSON.parse(payload) as { name?: string }).name;
export const gapOf = ({ payload }: Pick<Read, 'payload'>): Gap | undefined =>
  (JSON.parse(payload) as { gap?: Gap }).gap;

/** Everything that can still be delivered. */
async function readAll(files: MemoryFiles, journal: Journal): Promise<Read[]> {
  const reader = new MessageReader(files, FOLDER, journal);
  const found: Read[] = [];
  for (let some = await reader.read(); some.length > 0; some = await reader.read()) found.push(...some);
  return found;
}

/** What has to be so after a cut. */
interface Promised {
  /** Flushed and not acknowledged, with their numbers. */
  readonly open: ReadonlyMap<number, string>;
  /** The highest number that anybody has seen. */
  readonly highest: number;
}

interface LifeListeners {
  /** What holds from then on. */
  readonly promise: (promised: Promised) => void;
  /** Whatever was done up to now is flushed. */
  readonly flushed: () => void;
}

/** A quota that overflows takes a segment at a time: so many messages at most. */
const SEGMENT_MESSAGES = 10;
/** Unacknowledged messages with which the quota may overflow. */
const MANY = 30;

/**
 * Five sessions of a box: messages, acknowledgements that lag behind, segments that fill, expire and overflow. Two end without
 * closing; one is killed after a write and one after it began a segment, before either was flushed.
 */
async function lifeOf(files: MemoryFiles, { promise, flushed }: LifeListeners, rounds = 14): Promise<void> {
  const open = new Map<number, string>();
  let highest = 0;
  let count = 0;
  let hours = 0;
  for (let session = 0; session < 5; session++) {
    const journal = journalOn(files, SMALL, () => hours);
    await journal.open();
    flushed();
    const reader = new MessageReader(files, FOLDER, journal);
    for (let round = 0; round < rounds; round++) {
      for (let each = 0; each < 1 + ((round + session) % 3); each++) journal.append(entryOf(`message ${count++}`));
      promise({ open: new Map(open.size > MANY ? [...open].slice(SEGMENT_MESSAGES) : open), highest });
      await journal.commit();
      flushed();
      for (let some = await reader.read(); some.length > 0; some = await reader.read()) {
        for (const message of some) {
          open.set(message.journalSeq, nameOf(message) ?? 'gap');
          highest = Math.max(highest, message.journalSeq);
          if (session !== 2 && message.ordinal % 3 === 0)
            journal.acknowledge(message.journalSeq - 1, message.ordinal - 1);
        }
      }
      for (const seq of open.keys()) if (seq <= journal.acknowledged) open.delete(seq);
      promise({ open: new Map(open), highest });
      hours += session === 3 ? 0.5 : 0.01;
    }
    if (session % 2 === 0) await journal.close();
    if (session % 2 === 0) flushed();
    else await killedInTheMiddle(files, journal, session === 1);
  }
}

/** The process ends between a write and its flush: the kernel has the bytes, the disk need not. */
async function killedInTheMiddle(files: MemoryFiles, journal: Journal, beginsSegment: boolean): Promise<void> {
  const { segments, tip } = journal;
  const last = segments.at(-1);
  if (last?.header === undefined) throw new Error('a journal without a segment');
  const head = Buffer.from(tip.head, 'hex');
  const index = last.index + 1;
  const header = { ...last.header, index, first: tip.journalSeq + 1, previous: tip.head, messages: journal.written };
  const payload = JSON.stringify({ name: 'never flushed' });
  const body = messageBody({ ...entryOf('never flushed'), journalSeq: tip.journalSeq + 1, payload });
  const { bytes } = beginsSegment
    ? encodeFrame(head, 'header', headerBody(header))
    : encodeFrame(head, 'message', body);
  const name = segmentName(beginsSegment ? index : last.index);
  const file = await files.open(`${FOLDER}/${name}`, beginsSegment ? 'new' : 'append');
  await file.write(bytes);
  await file.close();
}

/** What a start finds after a cut. @returns what is wrong */
export async function faultsAfter(files: MemoryFiles, promised: Promised): Promise<string[]> {
  const faults: string[] = [];
  try {
    faults.push(...(await faultsBeforeOpening(files)));
    const journal = journalOn(files);
    await journal.open();
    journal.append(entryOf('after the cut'));
    await journal.commit();
    const found = new Map((await readAll(files, journal)).map((message) => [message.journalSeq, message]));
    for (const [seq, name] of promised.open) {
      const message = found.get(seq);
      if (message === undefined) faults.push(`message ${seq} is lost`);
      else if ((nameOf(message) ?? 'gap') !== name) faults.push(`message ${seq} is another`);
    }
    const last = [...found.values()].find((message) => nameOf(message) === 'after the cut');
    if (last === undefined) faults.push('nothing can be added');
    else if (last.journalSeq <= promised.highest) faults.push(`number ${last.journalSeq} is given again`);
    faults.push(...(await verifyJournal(files, FOLDER)).faults);
    await journal.close();
    const again = journalOn(files);
    await again.open();
    if ((await readAll(files, again)).some((message) => gapOf(message)?.from === (last?.journalSeq ?? 0) + 1))
      faults.push('an end in order is told as a loss');
  } catch (cause) {
    faults.push(`it does not open: ${String(cause)}`);
  }
  return faults;
}

/** At any moment the chain holds, but for the end of a write that was under way. */
async function faultsBeforeOpening(files: MemoryFiles): Promise<string[]> {
  const begun = (await files.list('/var')).includes('journal') && (await segmentsIn(files, FOLDER)).length > 0;
  if (!begun) return [];
  const { faults, tornBytes } = await verifyJournal(files, FOLDER);
  return faults.slice(0, tornBytes > 0 ? -1 : undefined);
}

interface CrashState {
  readonly disk: MemoryFiles;
  readonly promised: Promised;
  readonly act: number;
  readonly loss: Loss;
}

async function emptyDisk(): Promise<MemoryFiles> {
  const disk = new MemoryFiles();
  await disk.makeFolder('/var');
  disk.flushAll();
  return disk;
}

/** Every state of the disk that a cut before any act of the life may leave; equal ones with equal promises once. */
export async function crashStates(
  random: Random,
  {
    losses = LOSSES,
    rounds,
    skippedFlush = -1,
  }: { losses?: readonly Loss[]; rounds?: number; skippedFlush?: number } = {},
): Promise<{ readonly states: readonly CrashState[]; readonly points: number; readonly acts: number }> {
  const disk = await emptyDisk();
  disk.skippedFlush = skippedFlush;
  const states = new Map<string, CrashState>();
  let promised: Promised = { open: new Map(), highest: 0 };
  let points = 0;
  let steps = 0;
  disk.beforeAct = () => {
    for (const loss of losses) {
      points++;
      const left = disk.afterCut(loss, random);
      const key = `${steps} ${left.fingerprint()}`;
      if (!states.has(key)) states.set(key, { disk: left, promised, act: disk.acts, loss });
    }
  };
  const promise = (next: Promised): void => {
    promised = next;
    steps++;
  };
  await lifeOf(disk, { promise, flushed: () => undefined }, rounds);
  return { states: [...states.values()], points, acts: disk.acts };
}

/** Rounds of a life in which every flush is left out once. */
const FEW_ROUNDS = 6;

/** Flushes in a short life. */
export async function flushesOf(): Promise<number> {
  const disk = await emptyDisk();
  await lifeOf(disk, { promise: () => undefined, flushed: () => undefined }, FEW_ROUNDS);
  return disk.flushes;
}

/** What is wrong with a life with one flush left out: what the power could take that was promised, or what it then leaves. */
export async function unsafeWithout(skippedFlush: number): Promise<string[]> {
  const disk = await emptyDisk();
  disk.skippedFlush = skippedFlush;
  const found: string[] = [];
  const flushed = (): void => void found.push(...disk.unflushed());
  await lifeOf(disk, { promise: () => undefined, flushed }, FEW_ROUNDS);
  if (found.length + disk.broken.length > 0) return [...found, ...disk.broken];
  const { states } = await crashStates(seededRandom(1), {
    ...{ losses: ['zeroed', 'lost', 'torn', ...Array<Loss>(24).fill('mixed')], rounds: FEW_ROUNDS, skippedFlush },
  });
  for (const state of states) {
    const faults = await faultsAfter(state.disk, state.promised);
    if (faults.length > 0) return faults;
  }
  return [];
}
