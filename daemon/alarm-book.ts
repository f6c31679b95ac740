import { ALARMS, type AlarmCode, type AlarmMessage, isAlarm } from '../contract/messages/alarm.ts';
import type { StateReason } from '../contract/messages/state.ts';

export type Alarm = Pick<AlarmMessage, 'code' | 'severity' | 'since' | 'action' | 'causes'>;

/** Since when a reason holds: by a clock that makes no steps, and by the wall clock, ms. */
interface Held {
  readonly at: number;
  readonly wall: number;
}

const keyOf = ({ code, camera }: StateReason): string => `${code} ${camera ?? ''}`;

/** Which alarms are raised: one a code, from the reasons of the state. Pure but for what it remembers: since when each holds. */
export class AlarmBook {
  readonly #held = new Map<string, Held>();
  #reasons: readonly StateReason[] = [];

  /** What the state says from now on. */
  hear(reasons: readonly StateReason[], now: Held): void {
    this.#reasons = reasons;
    const keys = new Set(reasons.map(keyOf));
    for (const key of this.#held.keys()) if (!keys.has(key)) this.#held.delete(key);
    for (const key of keys) if (!this.#held.has(key)) this.#held.set(key, now);
  }

  /** @param at as in {@link hear} */
  raised(at: number): ReadonlyMap<AlarmCode, Alarm> {
    const alarms = new Map<AlarmCode, Alarm & { readonly firstAt: number }>();
    for (const reason of this.#reasons) {
      const { code, camera = null, message } = reason;
      const held = this.#held.get(keyOf(reason));
      if (!isAlarm(code) || held === undefined) continue;
      const { severity, action, afterSeconds = 0 } = ALARMS[code];
      if (at - held.at < afterSeconds * 1000) continue;
      const known = alarms.get(code);
      const causes = [...(known?.causes ?? []), { camera, message }];
      const first = known === undefined || held.at < known.firstAt;
      const since = first ? new Date(held.wall).toISOString() : known.since;
      alarms.set(code, { code, severity, since, action, causes, firstAt: first ? held.at : known.firstAt });
    }
    return new Map([...alarms].map(([code, { firstAt: _, ...alarm }]) => [code, alarm]));
  }
}
