import type { BacklogLink } from '../../contract/mqtt/backlog.ts';

/** How long a message may take to come back after the broker has confirmed it. */
const ECHO_MS = 15_000;

type Proof =
  | { readonly state: 'asking' | 'proved' | 'unreadable' }
  | {
      readonly state: 'listening';
      awaited?: { readonly payload: string; readonly done: (came: boolean) => void; timer?: NodeJS.Timeout };
    };

/**
 * Whether the broker lets a topic through. Under MQTT 3.1.1 it confirms also what it discards: the first message of a topic on each
 * connection has to come back to the box. Where the box may not read, nothing is known, and its confirmation has to do.
 */
export class TopicProofs {
  readonly #link: BacklogLink;
  readonly #echoMs: number;
  readonly #proofs = new Map<string, Proof>();

  constructor(link: BacklogLink, echoMs = ECHO_MS) {
    this.#link = link;
    this.#echoMs = echoMs;
  }

  /** Topics of which nothing can be known. */
  get unreadable(): readonly string[] {
    return [...this.#proofs].filter(([, { state }]) => state === 'unreadable').map(([topic]) => topic);
  }

  /** Whether a message may go now; where it first has to be listened for, the link is woken once that is so. */
  allows(topic: string): boolean {
    if (this.#link.level === 5) return true;
    const proof = this.#proofs.get(topic);
    if (proof === undefined) this.#ask(topic);
    if (proof?.state === 'listening') return proof.awaited === undefined;
    return proof?.state === 'proved' || proof?.state === 'unreadable';
  }

  /** Whether a message that goes now has to come back. @param done told once, whether it did; not after the connection ended */
  expects(topic: string, payload: string, done: (came: boolean) => void): boolean {
    const proof = this.#proofs.get(topic);
    if (proof?.state !== 'listening') return false;
    proof.awaited = { payload, done };
    return true;
  }

  /** The broker has confirmed: from now on it counts how long the message takes to come back. */
  confirmed(topic: string): void {
    const proof = this.#proofs.get(topic);
    if (proof?.state !== 'listening' || proof.awaited === undefined) return;
    const { awaited } = proof;
    awaited.timer = setTimeout(() => {
      delete proof.awaited;
      awaited.done(false);
    }, this.#echoMs);
  }

  end(): void {
    for (const proof of this.#proofs.values()) if (proof.state === 'listening') clearTimeout(proof.awaited?.timer);
    this.#proofs.clear();
  }

  #ask(topic: string): void {
    this.#proofs.set(topic, { state: 'asking' });
    this.#link
      .subscribe(topic, (payload) => this.#hear(topic, payload))
      .then(
        (readable) => {
          if (this.#proofs.get(topic)?.state !== 'asking') return; // the connection ended meanwhile
          this.#proofs.set(topic, { state: readable ? 'listening' : 'unreadable' });
          this.#link.wake();
        },
        () => undefined, // the connection ended: another one begins anew
      );
  }

  #hear(topic: string, payload: string): void {
    const proof = this.#proofs.get(topic);
    if (proof?.state !== 'listening' || proof.awaited?.payload !== payload) return;
    clearTimeout(proof.awaited.timer);
    this.#proofs.set(topic, { state: 'proved' });
    this.#link.unsubscribe(topic);
    proof.awaited.done(true);
  }
}
