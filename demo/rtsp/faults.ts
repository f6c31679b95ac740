/** Ways a camera turns a new client away: 461 (`transport`) to RTP over TCP. */
type Refusal = 'unauthorized' | 'not-found' | 'close' | 'transport';

/** What a camera describes instead of itself: a web page, nothing, sound alone, or another place. */
export type Misdescription = 'html' | 'empty' | 'audio-only' | { readonly redirect: string };

/** What a test can make the camera suffer. Each stays until `clear()`. */
export interface Faults {
  /** Sockets stay open and nothing more is sent, answers included: a hung camera. */
  freeze(): void;
  /** No pictures, while answers and sender reports go on: the fault that no receiver's timeout notices. */
  mute(): void;
  /** Closes every connection once; new ones are served. */
  drop(): void;
  /** Overwrites a few bytes in this share of packets, 0 to 1: a bad cable. */
  garble(share: number): void;
  /** Turns clients away; those connected stay. */
  refuse(how: Refusal): void;
  /** Answers every request so many ms late. */
  delay(ms: number): void;
  /** Describes something else. */
  misdescribe(as: Misdescription): void;
  /** RTP time passes at this speed from now on; 0: it stands still. */
  time(speed: number): void;
  /** Healthy again. */
  clear(): void;
}

/** The state behind `Faults`, asked by every connection before it sends. */
export class FaultState implements Faults {
  readonly #closeAll: () => void;
  frozen = false;
  muted = false;
  garbled = 0;
  refusal: Refusal | undefined;
  lateMs = 0;
  misdescription: Misdescription | undefined;
  /** A speed, and where it began. */
  #clock: { readonly speed: number; readonly index: number; readonly shown: number } | undefined;
  #index = 0;

  constructor(closeAll: () => void) {
    this.#closeAll = closeAll;
  }

  freeze(): void {
    this.frozen = true;
  }

  mute(): void {
    this.muted = true;
  }

  drop(): void {
    this.#closeAll();
  }

  garble(share: number): void {
    this.garbled = share;
  }

  refuse(how: Refusal): void {
    this.refusal = how;
  }

  delay(ms: number): void {
    this.lateMs = ms;
  }

  misdescribe(as: Misdescription): void {
    this.misdescription = as;
  }

  time(speed: number): void {
    this.#clock = { speed, index: this.#index, shown: this.shownIndex(this.#index) };
  }

  /** The frame index that timestamps say. */
  shownIndex(index: number): number {
    this.#index = index;
    if (this.#clock === undefined) return index;
    return this.#clock.shown + (index - this.#clock.index) * this.#clock.speed;
  }

  clear(): void {
    this.lateMs = 0;
    this.misdescription = undefined;
    this.#clock = undefined;
    this.frozen = false;
    this.muted = false;
    this.garbled = 0;
    this.refusal = undefined;
  }
}

/** Overwrites up to four bytes of a payload. */
export function garbled(payload: Uint8Array, random: () => number = Math.random): Buffer {
  const bytes = Buffer.from(payload);
  for (let i = 0; i < 4; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return bytes;
}
