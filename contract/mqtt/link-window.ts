/**
 * How much may be under way to the broker, so that nothing arrives later than it may. Times in ms of `performance.now()`.
 *
 * TCP takes whatever it is given and delivers it as late as need be: 20 s of a dead link, or a modem that buffers for a
 * minute at 16 kbit/s. So no more is handed over than the broker is known to take in soon. What confirms is PINGRESP:
 * the broker answers in order, so everything sent before a PINGREQ was taken in by then. That works over TCP and TLS, with
 * MQTT 3.1.1 and 5, and through tunnels, whose acknowledgements of TCP say nothing about the far end.
 */

/** Under way at most on a link of unknown speed: 3 s of 16 kbit/s, so that also a link that turns thin this moment keeps 5 s. */
const FIRST_BYTES = 6000;
/**
 * 6 KB a round trip of 100 ms are 60 KB/s, some fifty detections; over a longer way the same throughput needs more under way.
 * Growing with use instead broke the promise: a window of 20 KB takes 10 s when a far link turns thin.
 */
const NEAR_MS = 100;
/** A broker that confirms within this is asked when the window is fuller: a frame of 25 a second comes every 40 ms, so the answer is there before. */
const PROMPT_MS = 20;
/** What a confirmation may take beyond the shortest seen lately: more means that messages stand in a queue somewhere. */
const QUEUEING_MS = 500;
/** The shortest time is that of the last 30 to 60 s: routes change. */
const BASE_MS = 30_000;
/** A link that is always full never shows its shortest time; one by satellite is below this. */
const LONGEST_BASE_MS = 1000;

interface Sent {
  readonly bytes: number;
  /** When it is worthless; Infinity: never. */
  readonly deadline: number;
  /** Called when the connection ends before it was confirmed. */
  readonly lost?: () => void;
}

interface Mark {
  /** Messages under way when the mark was set. */
  readonly count: number;
  readonly bytes: number;
  readonly at: number;
}

export class LinkWindow {
  #limit = FIRST_BYTES;
  #bytes = 0;
  #sent: Sent[] = [];
  #marks: Mark[] = [];
  #marked = 0;
  #wanted = false;
  #bytesPerMs = Number.POSITIVE_INFINITY;
  #base = Number.POSITIVE_INFINITY;
  #olderBase = Number.POSITIVE_INFINITY;
  #baseSince = 0;

  /** Sent and not confirmed, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How much may be under way now, bytes. */
  get limit(): number {
    return this.#limit;
  }

  /** Whether a message may be sent now: always when nothing else is under way. */
  admits(bytes: number): boolean {
    const admitted = this.#bytes === 0 || this.#bytes + bytes <= this.#limit;
    if (!admitted) this.#wanted = true;
    return admitted;
  }

  /** How long a message would take that is sent now, ms, as far as the link has shown its speed. */
  expectedMs(bytes: number): number {
    return (this.#bytes + bytes) / this.#bytesPerMs;
  }

  sent(message: Sent): void {
    this.#bytes += message.bytes;
    this.#sent.push(message);
  }

  /**
   * Whether something is under way that no mark covers, and no mark is. `soon`: so much that the window may be closed, by its share, or
   * because there is no room for another like the last or for one that was refused. Two messages of 2.1 KB are not three quarters, and
   * leave no room for a third.
   */
  get wantsMark(): 'no' | 'yes' | 'soon' {
    const last = this.#sent.at(-1);
    if (this.#marks.length > 0 || last === undefined || this.#sent.length === this.#marked) return 'no';
    const much = this.#bytes > this.#limit * (this.prompt ? 3 / 4 : 1 / 2);
    return much || this.#wanted || this.#bytes + last.bytes > this.#limit ? 'soon' : 'yes';
  }

  /** Whether confirmations come so soon that fewer will do. */
  get prompt(): boolean {
    return Math.min(this.#base, this.#olderBase) < PROMPT_MS;
  }

  /** A PINGREQ went out. */
  marked(now: number): void {
    this.#marked = this.#sent.length;
    this.#marks.push({ count: this.#marked, bytes: this.#bytes, at: now });
  }

  /** A PINGRESP came: what was sent before the oldest PINGREQ has arrived. */
  confirmed(now: number): void {
    const mark = this.#marks.shift();
    if (mark === undefined) return; // an answer to nothing
    const arrived = this.#sent.splice(0, mark.count);
    for (const { bytes } of arrived) this.#bytes -= bytes;
    this.#marked -= mark.count;
    this.#marks = this.#marks.map((each) => ({ ...each, count: each.count - mark.count }));
    if (mark.count > 0) this.#adapt(mark, Math.max(0.01, now - mark.at), now);
  }

  /** The earliest time at which something under way is worthless; Infinity when nothing ever is. */
  get deadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline } of this.#sent) earliest = Math.min(earliest, deadline);
    return earliest;
  }

  /** The connection ended: what was under way is lost, and another link begins. */
  reset(): void {
    for (const { lost } of this.#sent) lost?.();
    this.#sent = [];
    this.#marks = [];
    this.#marked = 0;
    this.#bytes = 0;
    this.#limit = FIRST_BYTES;
    this.#wanted = false;
    this.#bytesPerMs = Number.POSITIVE_INFINITY;
    this.#base = Number.POSITIVE_INFINITY;
    this.#olderBase = Number.POSITIVE_INFINITY;
  }

  /** Closes the window to what the link takes in {@link QUEUEING_MS}, and opens it again where the link turns out not to be full. */
  #adapt({ bytes }: Mark, tookMs: number, now: number): void {
    const base = this.#shortest(tookMs, now);
    const queueing = tookMs - base;
    const wanted = this.#wanted;
    this.#wanted = false;
    this.#bytesPerMs = tookMs > QUEUEING_MS ? bytes / tookMs : Number.POSITIVE_INFINITY;
    if (queueing > QUEUEING_MS) this.#limit = Math.max(1, Math.min(this.#limit, bytes) * (QUEUEING_MS / queueing));
    else if (wanted && queueing < QUEUEING_MS / 2) this.#limit *= 1.5;
    this.#limit = Math.min(this.#limit, FIRST_BYTES * Math.max(1, base / NEAR_MS));
  }

  #shortest(tookMs: number, now: number): number {
    if (now - this.#baseSince > BASE_MS) {
      this.#olderBase = this.#base;
      this.#base = Number.POSITIVE_INFINITY;
      this.#baseSince = now;
    }
    this.#base = Math.min(this.#base, tookMs);
    return Math.min(this.#base, this.#olderBase, LONGEST_BASE_MS);
  }
}
