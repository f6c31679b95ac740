import type { Uplink } from '../uplink.ts';
import type { Feature } from './feature.ts';

/** RabbitMQ gives nothing retained to those who subscribe with a wildcard: they would wait for the next change. */
const REPEAT_MS = 600_000;

/** Says again what the box is, how it is, and what is wrong with it, for those who came late. */
export class RepeatRetained implements Feature {
  readonly #uplink: Uplink;
  readonly #alarms: { repeat(): void };
  readonly #everyMs: number;

  constructor(uplink: Uplink, alarms: { repeat(): void }, everyMs = REPEAT_MS) {
    this.#uplink = uplink;
    this.#alarms = alarms;
    this.#everyMs = everyMs;
  }

  start(signal: AbortSignal): void {
    const timer = setInterval(() => {
      this.#uplink.repeat('state');
      this.#uplink.repeat('info');
      this.#alarms.repeat();
    }, this.#everyMs);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  }
}
