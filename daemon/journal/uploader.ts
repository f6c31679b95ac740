import type { Backlog, BacklogLink, BacklogMessage } from '../../contract/mqtt/backlog.ts';
import type { Acknowledgement } from '../../contract/mqtt/connection.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Read } from './reader.ts';
import { TopicProofs } from './topic-proof.ts';

interface UploaderDeps {
  /** The next messages, in order; none where there are no more now. */
  readonly read: () => Promise<readonly Read[]>;
  /** Everything up to a message is with the broker. */
  readonly settled: (journalSeq: number, ordinal: number) => void;
  readonly failed: (cause: unknown) => void;
  /** @default REFUSED */
  readonly refusedBackoff?: { readonly firstMs: number; readonly longestMs: number };
  readonly echoMs?: number;
}

/** A message between its first sending and its place in the settled ones. */
interface Flight {
  readonly message: Read;
  /** `sent`: not answered yet; `again`: to be sent once more; `refused`: not before the next try; `arrived`: with the broker */
  state: 'sent' | 'again' | 'refused' | 'arrived';
  confirmed: boolean;
  /** Has come back, where it had to. */
  proved: boolean;
}

/** Unanswered at most: more do not make a long way faster, since the link's window is narrower. */
const WINDOW = 20;
/** Messages in memory below which more are read. */
const FEW = 20;
/** A topic that the broker refuses wants a person: nothing is gained by asking often. */
const REFUSED = { firstMs: 30_000, longestMs: 600_000 };

/**
 * Brings messages to the broker in order, some of them under way at once, each until it is confirmed.
 *
 * One that is refused holds up all that come after it: nothing is skipped. It is tried again, slowly, and at every connection.
 */
export class Uploader implements Backlog {
  readonly #deps: UploaderDeps;
  #queue: Read[] = [];
  #flight: Flight[] = [];
  #link: BacklogLink | undefined;
  #proofs: TopicProofs | undefined;
  #reading = false;
  #more = true;
  #refusals = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(deps: UploaderDeps) {
    this.#deps = deps;
  }

  /** Topics that the box may not read under MQTT 3.1.1: whether they are let through is not known. */
  get unproved(): readonly string[] {
    return this.#proofs?.unreadable ?? [];
  }

  /** More can be read. */
  wake(): void {
    this.#more = true;
    this.#link?.wake();
  }

  connected(link: BacklogLink): void {
    this.#link = link;
    this.#proofs = new TopicProofs(link, this.#deps.echoMs);
    for (const flight of this.#flight)
      if (flight.state !== 'arrived') Object.assign(flight, { state: 'again', confirmed: false, proved: false });
    link.wake();
  }

  disconnected(): void {
    this.#link = undefined;
    this.#proofs?.end();
    this.#proofs = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  next(): BacklogMessage | undefined {
    const message = this.#candidate();
    return message !== undefined && this.#proofs?.allows(message.topic) === true ? message : undefined;
  }

  sent(): (answer: Acknowledgement) => void {
    const message = this.#candidate();
    const proofs = this.#proofs;
    if (message === undefined || proofs === undefined) throw new Error('sent() without next()');
    let flight = this.#flight.find((each) => each.state === 'again');
    if (flight === undefined) {
      this.#queue.shift();
      flight = { message, state: 'sent', confirmed: false, proved: true };
      this.#flight.push(flight);
    }
    const { topic, payload } = message;
    const going = flight;
    const mustComeBack = proofs.expects(topic, payload, (came) => {
      if (this.#proofs !== proofs) return;
      if (came) {
        going.proved = true;
        this.#link?.answered(topic, undefined);
        this.#look(going);
      } else this.#refuse(going, 'sent, confirmed, and not given to its subscribers');
    });
    Object.assign(going, { state: 'sent', confirmed: false, proved: !mustComeBack });
    return (answer) => {
      if (this.#proofs !== proofs || going.state !== 'sent') return;
      this.#answered(going, answer);
    };
  }

  /** The message whose turn it is. */
  #candidate(): Read | undefined {
    if (this.#link === undefined || this.#retry !== undefined) return undefined;
    if (this.#queue.length < FEW) this.#refill();
    const again = this.#flight.find(({ state }) => state === 'again');
    if (again !== undefined) return again.message;
    return this.#flight.length < WINDOW ? this.#queue[0] : undefined;
  }

  #answered(flight: Flight, { refused }: Acknowledgement): void {
    const { topic } = flight.message;
    if (refused !== undefined) {
      // Without a code the connection has ended: what follows makes it go again.
      if (refused.code !== undefined) this.#refuse(flight, refused.reason);
      return;
    }
    flight.confirmed = true;
    if (!flight.proved) this.#proofs?.confirmed(topic);
    else if (this.#link?.level === 5) this.#link.answered(topic, undefined);
    this.#look(flight);
  }

  #look(flight: Flight): void {
    if (!flight.confirmed || !flight.proved) return;
    flight.state = 'arrived';
    this.#refusals = 0;
    let last: Flight | undefined;
    while (this.#flight[0]?.state === 'arrived') last = this.#flight.shift();
    if (last !== undefined) this.#deps.settled(last.message.journalSeq, last.message.ordinal);
    this.#link?.wake();
  }

  #refuse(flight: Flight, reason: string): void {
    flight.state = 'refused';
    this.#link?.answered(flight.message.topic, reason);
    const backoff = this.#deps.refusedBackoff ?? REFUSED;
    this.#retry ??= setTimeout(
      () => {
        this.#retry = undefined;
        for (const each of this.#flight) if (each.state === 'refused') each.state = 'again';
        this.#link?.wake();
      },
      backoffMs(backoff, ++this.#refusals, Math.random()),
    );
  }

  #refill(): void {
    if (this.#reading || !this.#more) return;
    this.#reading = true;
    this.#more = false;
    this.#deps
      .read()
      .then((messages) => {
        if (messages.length === 0) return;
        this.#more = true;
        this.#queue.push(...messages);
      })
      .catch((cause: unknown) => this.#deps.failed(cause))
      .finally(() => {
        this.#reading = false;
        if (this.#more) this.#link?.wake();
      });
  }
}
