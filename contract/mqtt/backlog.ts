import type { Acknowledgement, ProtocolLevel } from './connection.ts';

/** A message that waits to be confirmed. */
export interface BacklogMessage {
  readonly topic: string;
  readonly payload: string;
  readonly expirySeconds: number;
}

/** One connection, as a backlog sees it. */
export interface BacklogLink {
  readonly level: ProtocolLevel;
  /** There may be something to send. */
  wake(): void;
  /** The broker refuses a topic, or takes it. */
  answered(topic: string, refusal: string | undefined): void;
  /** @returns whether the broker lets the box read there; throws when the connection ends before it says so */
  subscribe(topic: string, hear: (payload: string) => void): Promise<boolean>;
  unsubscribe(topic: string): void;
}

/** Messages that are kept until the broker has confirmed them: where they lie is not the connection's business. */
export interface Backlog {
  connected(link: BacklogLink): void;
  disconnected(): void;
  /** The next in order, where one may go now. */
  next(): BacklogMessage | undefined;
  /** The one that {@link next} gave goes. @returns to be called with the answer */
  sent(): (answer: Acknowledgement) => void;
}
