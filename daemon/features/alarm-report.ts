import { ALARMS, type AlarmCode } from '../../contract/messages/alarm.ts';
import type { StateReason } from '../../contract/messages/state.ts';
import { type Alarm, AlarmBook } from '../alarm-book.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature } from './feature.ts';

const CODES = Object.keys(ALARMS) as AlarmCode[];

/** Raises and clears an alarm for each reason of the state. What the run before left raised at the broker is cleared once. */
export class AlarmReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;
  readonly #book = new AlarmBook();
  /** What was published, as text. */
  readonly #published = new Map<AlarmCode, string>();

  constructor(daemon: DaemonView, uplink: Uplink) {
    this.#daemon = daemon;
    this.#uplink = uplink;
  }

  start(signal: AbortSignal): void {
    this.#clearThose(CODES);
    this.#daemon.on('state', (reasons) => this.#hear(reasons), signal);
    this.#daemon.on('tick', () => this.#look(), signal);
    this.#daemon.on('leaving', () => this.#clearThose(this.#published.keys()), signal);
    this.#daemon.on('moved', () => this.#moved(), signal);
  }

  /** Raised alarms are said again, for those who came late. */
  repeat(): void {
    for (const code of this.#published.keys()) this.#uplink.repeat('alarm', { code });
  }

  #hear(reasons: readonly StateReason[]): void {
    this.#book.hear(reasons, { at: performance.now(), wall: Date.now() });
    this.#look();
  }

  #look(): void {
    if (this.#daemon.present.draining) return;
    const raised = this.#book.raised(performance.now());
    for (const [code, alarm] of raised) this.#raise(alarm, code);
    for (const code of this.#published.keys()) if (!raised.has(code)) this.#clear(code);
  }

  #raise(alarm: Alarm, code: AlarmCode): void {
    const text = JSON.stringify(alarm);
    if (this.#published.get(code) === text) return;
    this.#published.set(code, text);
    this.#uplink.retain('alarm', () => alarm, { code });
  }

  #clear(code: AlarmCode): void {
    this.#published.delete(code);
    this.#uplink.clear('alarm', { code });
  }

  #clearThose(codes: Iterable<AlarmCode>): void {
    for (const code of [...codes]) this.#clear(code);
  }

  #moved(): void {
    this.#clearThose(CODES);
    this.#look();
  }
}
