import type { JournalEntry } from '../../../contract/messenger.ts';
import { diskFiles, type FileSystem } from '../../../core/file-system.ts';
import { seededRandom } from '../../../core/random.ts';
import { Journal } from '../../../daemon/journal/journal.ts';
import { retentionOf } from '../../../daemon/journal/retention.ts';
import { BOX, gapEntry } from './life.ts';

const BLOCK_BYTES = 4096;
const DAY_SECONDS = 86_400;

/** What a disk is given to write. */
interface Written {
  messages: number;
  bytes: number;
  flushes: number;
  /** Whole blocks of 4 KiB that flushes find changed: the end of a file is written again with every record. */
  blockBytes: number;
}

/** The real disk, its flushes counted and left out. */
function countingFiles(written: Written): FileSystem {
  return {
    ...diskFiles,
    async open(path, how, mode) {
      const file = await diskFiles.open(path, how, mode);
      let size = (await diskFiles.size(path)) ?? 0;
      let dirtyFrom = size;
      return {
        ...file,
        async write(bytes) {
          await file.write(bytes);
          size += bytes.length;
          written.bytes += bytes.length;
        },
        async sync() {
          written.flushes++;
          const first = Math.floor(dirtyFrom / BLOCK_BYTES);
          written.blockBytes += Math.max(0, Math.ceil(size / BLOCK_BYTES) - first) * BLOCK_BYTES;
          dirtyFrom = size;
        },
      };
    },
    async syncFolder() {
      written.flushes++;
      written.blockBytes += BLOCK_BYTES;
    },
  };
}

/** As long as those of the contract: a crossing, and the counts of a camera with four lines and six classes. */
const MESSAGE_BYTES = { event: 700, counts: 2500 };

const entryOf = (kind: keyof typeof MESSAGE_BYTES, camera: number, capturedAt: number): JournalEntry => ({
  ...{ kind, topic: `wayside/v1/${BOX}/camera/camera-${camera}/${kind}`, expirySeconds: 2_592_000, capturedAt },
  text: JSON.stringify({ filler: 'x'.repeat(MESSAGE_BYTES[kind] - 40) }),
});

/**
 * A day of a box in as short a time as it takes: a crossing every `secondsBetween` at each camera by chance, counts every minute, a
 * commit a second, confirmations a second later.
 */
export async function dayOf(
  folder: string,
  cameras: number,
  secondsBetween: number,
  signal: AbortSignal,
): Promise<Written> {
  const written: Written = { messages: 0, bytes: 0, flushes: 0, blockBytes: 0 };
  const begin = Date.UTC(2026, 0, 2);
  let now = begin;
  const retention = retentionOf(256_000_000, 30);
  const journal = new Journal(countingFiles(written), folder, { box: BOX, retention, gapEntry, now: () => now });
  await journal.open();
  const random = seededRandom(3);
  for (let second = 0; second < DAY_SECONDS; second++) {
    if (second % 3600 === 0) signal.throwIfAborted();
    now = begin + 1000 * second;
    for (let camera = 0; camera < cameras; camera++) {
      if (random.next() < 1 / secondsBetween) journal.append(entryOf('event', camera, now));
      if (second % 60 === camera) journal.append(entryOf('counts', camera, now));
    }
    const before = journal.tip.journalSeq;
    await journal.commit();
    journal.acknowledge(before, journal.written);
  }
  await journal.close();
  return { ...written, messages: journal.written };
}
