import type { Random } from '../../../core/random.ts';
import { type Checkpoint, checkpointOf } from '../../../daemon/journal/checkpoint.ts';
import { encodeFrame, type Frame, frameAt } from '../../../daemon/journal/frame.ts';
import { segmentIndex, segmentName } from '../../../daemon/journal/segment.ts';
import { verifyJournal } from '../../../daemon/journal/verify.ts';
import { MemoryFiles } from '../power-cuts/memory-files.ts';
import { entryOf, FOLDER, journalOn } from './life.ts';

export { FOLDER };

interface Closed {
  readonly files: MemoryFiles;
  readonly checkpoint: Checkpoint;
  readonly tip: Pick<Checkpoint, 'journalSeq' | 'head'>;
}

/** A journal of several segments, and the checkpoint of its end. */
export async function closedJournal(): Promise<Closed> {
  const files = new MemoryFiles();
  await files.makeFolder('/var');
  const journal = journalOn(files, { quotaBytes: 1e9, keepMs: 1e12, segmentBytes: 2000, segmentMs: 1e12 });
  await journal.open();
  for (let index = 0; index < 60; index++) {
    journal.append(entryOf(`message ${index}`));
    if (index % 9 === 8) journal.acknowledge(index - 4, index - 4);
    if (index % 2 === 1) await journal.commit();
  }
  await journal.close();
  return { files, checkpoint: checkpointOf('site/box', journal.tip, undefined), tip: journal.tip };
}

type Segments = Map<number, Buffer>;

const framesOf = (bytes: Buffer): Frame[] => {
  const frames: Frame[] = [];
  for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, frame.to)) frames.push(frame);
  return frames;
};

/** One that writes records as the box does, checksums and hashes included, from one record on. */
function rechained(bytes: Buffer, from: number, change: (body: Buffer) => Buffer): Buffer {
  const frames = framesOf(bytes);
  let head = from === 0 ? Buffer.alloc(32) : (frames[from - 1]?.hash ?? Buffer.alloc(32));
  const written = frames.slice(from).map(({ type, body }, index) => {
    const { bytes: frame, hash } = encodeFrame(head, type, index === 0 ? change(body) : body);
    head = hash;
    return frame;
  });
  return Buffer.concat([bytes.subarray(0, frames[from]?.from), ...written]);
}

const flipped = (body: Buffer, random: Random): Buffer => {
  const copy = Buffer.from(body);
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
};

/** What somebody may do to the files of a journal; undefined where it leaves them as they are. */
const ALTERATIONS: Readonly<Record<string, (bytes: Buffer, random: Random) => Buffer | undefined>> = {
  'a bit flipped': flipped,
  'a byte replaced': (bytes, random) => {
    const copy = Buffer.from(bytes);
    copy[random.below(copy.length)] = random.below(256);
    return copy;
  },
  'a record edited, its checksum and hash corrected': (bytes, random) => {
    const frames = framesOf(bytes);
    const at = random.below(frames.length);
    const { type, body, from, to } = frames[at]!;
    const before = frames[at - 1]?.hash ?? Buffer.alloc(32);
    const edited = encodeFrame(before, type, flipped(body, random)).bytes;
    return Buffer.concat([bytes.subarray(0, from), edited, bytes.subarray(to)]);
  },
  'a record edited, the segment chained anew': (bytes, random) => {
    const count = framesOf(bytes).length;
    return count < 2 ? undefined : rechained(bytes, 1 + random.below(count - 1), (body) => flipped(body, random));
  },
  'a record dropped': (bytes, random) => {
    const { from, to } = framesOf(bytes)[random.below(framesOf(bytes).length)]!;
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  'a record twice': (bytes, random) => {
    const { from, to } = framesOf(bytes)[random.below(framesOf(bytes).length)]!;
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
  'two records exchanged': (bytes, random) => {
    const frames = framesOf(bytes);
    const [a, b] = [random.below(frames.length), random.below(frames.length)].sort((x, y) => x - y);
    const [one, two] = [frames[a!]!, frames[b!]!];
    if (one === two) return undefined;
    const part = ({ from, to }: Frame): Buffer => bytes.subarray(from, to);
    return Buffer.concat([
      ...[bytes.subarray(0, one.from), part(two), bytes.subarray(one.to, two.from)],
      ...[part(one), bytes.subarray(two.to)],
    ]);
  },
  'bytes cut off': (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  'records cut off': (bytes, random) => bytes.subarray(0, framesOf(bytes)[random.below(framesOf(bytes).length)]?.from),
  'bytes added': (bytes, random) =>
    Buffer.concat([bytes, Buffer.from(Array.from({ length: 1 + random.below(80) }, () => random.below(256)))]),
  'bytes taken out': (bytes, random) => {
    const from = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + random.below(60))]);
  },
};

const FOLDER_ALTERATIONS: Readonly<Record<string, (segments: Segments, random: Random) => boolean>> = {
  'a segment removed': (segments, random) => segments.delete([...segments.keys()][random.below(segments.size)] ?? 0),
  'two segments exchanged': (segments, random) => {
    const keys = [...segments.keys()];
    const [a, b] = [keys[random.below(keys.length)]!, keys[random.below(keys.length)]!];
    const [one, two] = [segments.get(a)!, segments.get(b)!];
    segments.set(a, two).set(b, one);
    return a !== b;
  },
  'a segment twice': (segments, random) => {
    const last = Math.max(...segments.keys());
    segments.set(last + 1, segments.get([...segments.keys()][random.below(segments.size)]!)!);
    return true;
  },
};

const NAMES = [...Object.keys(ALTERATIONS), ...Object.keys(FOLDER_ALTERATIONS)];

async function segmentsOf(files: MemoryFiles): Promise<Segments> {
  const segments: Segments = new Map();
  for (const name of await files.list(FOLDER)) {
    const index = segmentIndex(name);
    if (index !== undefined) segments.set(index, await files.read(`${FOLDER}/${name}`));
  }
  return segments;
}

async function written(segments: Segments): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await files.makeFolder(FOLDER);
  for (const [index, bytes] of segments)
    await (await files.open(`${FOLDER}/${segmentName(index)}`, 'new')).write(bytes);
  return files;
}

/** What was done, where it changed a byte. */
function alter(segments: Segments, random: Random): { readonly name: string; readonly segments: Segments } | undefined {
  const name = NAMES[random.below(NAMES.length)]!;
  const altered: Segments = new Map(segments);
  const inSegment = ALTERATIONS[name];
  if (inSegment === undefined)
    return FOLDER_ALTERATIONS[name]!(altered, random) ? { name, segments: altered } : undefined;
  const index = [...segments.keys()][random.below(segments.size)]!;
  const bytes = inSegment(segments.get(index)!, random);
  if (bytes === undefined || bytes.equals(segments.get(index)!)) return undefined;
  return { name, segments: altered.set(index, bytes) };
}

/** So many alterations by chance, each of a whole journal, held against the checkpoint of its end. @returns those that nobody found */
export async function alterations(
  random: Random,
  times: number,
): Promise<{
  readonly missed: readonly string[];
  readonly kinds: ReadonlyMap<string, number>;
  readonly tried: number;
}> {
  const { files, checkpoint } = await closedJournal();
  const segments = await segmentsOf(files);
  const missed: string[] = [];
  const kinds = new Map(NAMES.map((name) => [name, 0]));
  let tried = 0;
  while (tried < times) {
    const altered = alter(segments, random);
    if (altered === undefined) continue;
    tried++;
    kinds.set(altered.name, (kinds.get(altered.name) ?? 0) + 1);
    const disk = await written(altered.segments);
    const whole = await verifyJournal(disk, FOLDER, { checkpoint }).then(
      ({ faults }) => faults.length === 0,
      () => false,
    );
    if (whole) missed.push(altered.name);
  }
  return { missed, kinds, tried };
}
