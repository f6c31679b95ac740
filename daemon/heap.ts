import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadLibc } from './libc.ts';

/**
 * For the command line of node: the young generation stays at 1 MB. It grows to 16 MB else, all of it resident, for garbage that would
 * have been collected: 27 MB of the supervisor's 70, 9 of the inference process' 42 (Node 24), at the same CPU time.
 */
export const SMALL_HEAP = '--max-semi-space-size=1';

/**
 * Lets the heap grow to three times what is alive before it is marked as a whole.
 *
 * What the decoders write arrives in buffers of 64 KB that die at once, but count towards the heap's limit: with 7 MB of them a second
 * and 22 MB alive the engine marked its whole heap every second, half of all the supervisor did (frames of 267 KB, CPU per 1,000 frames:
 * 2.76 s, with this 1.33 s; a larger young generation gives the same 1.4 s, but can only be asked for on the command line of node).
 */
export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=200');
}

/**
 * Every five minutes the supervisor of eight cameras went from 50 MB to 105 and back, as frames and faults came and went: what a box has to have free is
 * the most of it.
 */
const LOOK_EVERY_MS = 60_000;
/** V8 frees the memory of Buffers that died beside the program: given back is what is free by then. */
const SETTLE_AFTER_MS = 1000;
const MB = 2 ** 20;
/**
 * Marking stops the supervisor of one camera for 23 ms of processor time, packing for 45 (15 MB alive, Node 20), V8's own threads included:
 * no message is sent meanwhile. Where the heap has grown by less than this, nothing is done.
 */
const GROWN_BYTES = 8 * MB;
/** Of the old generation's pages, free between what is alive: below it they are left to be filled again. */
const SCATTERED_BYTES = 8 * MB;

/** What was done about the heap. */
export type Collected = 'nothing' | 'marked' | 'packed';

/** What the heap takes without its young generation, and what buffers take beside it. */
function heldBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !name.startsWith('new_'));
  return spaces.reduce((sum, { space_size: size }) => sum + size, getHeapStatistics().external_memory);
}

function scatteredBytes(): number {
  const old = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space');
  return old === undefined ? 0 : old.space_size - old.space_used_size;
}

/**
 * Looks at the heap now and then: where it has grown since it was last collected, marks it as a whole, whatever its limit. Where what is
 * alive then lies scattered, packs it, a second later: the two stop the daemon one after the other. Gives back to the kernel what is free.
 *
 * With a few small frames a second nothing reaches the limit that {@link letHeapGrow} sets for three quarters of an hour: what lived for two
 * scavenges waits until then, 1.2 MB a minute of resident memory on a box whose live heap stays at 23 MB.
 *
 * What survives lies between what dies, and V8 packs a few pages at a time at most. Through a thousand faults in 75 minutes, 33 MB alive at every look,
 * the heap took 55 MB after five minutes and 84 to 89 from twenty on. Packed as a whole, a heap of 77 MB with 7 alive takes 10 and not 22 to 60.
 *
 * Outside of the heap, what malloc has freed stays resident between what is still in use. Over 600 decoders that were started anew it grew
 * by 2.4 MB; given back, it was after 1,200 what it had been before.
 *
 * @param onDone told at every look what was done, and when packing followed
 * @returns ends it
 */
export function collectRegularly(
  everyMs = LOOK_EVERY_MS,
  onDone: (did: Collected) => void = () => undefined,
): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // a context made after the flag has it
  setFlagsFromString('--no-expose-gc');
  const trim = loadTrim();
  /** The least that was held since the last collection. None yet: what the start left behind goes at the first look. */
  let least = Number.NEGATIVE_INFINITY;
  let settling: NodeJS.Timeout | undefined;
  const pack = (): void => {
    setFlagsFromString('--compact-on-every-full-gc');
    collect();
    setFlagsFromString('--no-compact-on-every-full-gc');
    onDone('packed');
  };
  const settle = (marked: boolean): void => {
    if (marked && scatteredBytes() >= SCATTERED_BYTES) pack();
    trim?.(0);
    least = Math.min(marked ? Number.POSITIVE_INFINITY : least, heldBytes());
  };
  const look = (): void => {
    const grown = heldBytes() - least >= GROWN_BYTES;
    if (grown) collect();
    onDone(grown ? 'marked' : 'nothing');
    settling = setTimeout(settle, Math.min(SETTLE_AFTER_MS, everyMs / 2), grown);
  };
  const timer = setInterval(look, everyMs);
  return () => {
    clearInterval(timer);
    clearTimeout(settling);
  };
}

/** malloc_trim(3), which only glibc has; its argument is what to keep at the end of the heap, bytes. */
function loadTrim(): ((keep: number) => number) | undefined {
  try {
    return loadLibc()?.func('int malloc_trim(size_t)');
  } catch {
    return undefined;
  }
}
