import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { type Clock, CONTRACT_VERSION } from '../../contract/messages/envelope.ts';
import type { KindName, MessageOf } from '../../contract/messages/kinds.ts';
import type { ModelDesiredMessage } from '../../contract/messages/model-desired.ts';
import type { Rollout } from '../../contract/messages/rollout.ts';
import type { Order } from './planner.ts';

/**
 * A number above every one that was given: those of the site's record, those that boxes report, and the seconds of the clock,
 * should all of these have been forgotten. 2^53 seconds outlast everything.
 */
export const jobAfter = (known: number, now: number): number => Math.max(known + 1, Math.floor(now / 1000));

/** Who acts, for the other operator to read. */
export const operatorName = (): string => `${userInfo().username}@${hostname()}`;

/** The office has no kernel to ask: it is not a box. */
const UNKNOWN: Clock = { synced: null, errorMs: null };

/** Puts the envelope around what an office says; one a run of a command. */
export class OfficeVoice {
  readonly id = randomUUID();
  readonly #sequence = new Map<string, number>();

  compose<K extends KindName>(topic: string, kind: K, body: object, now: number): MessageOf<K> {
    const seq = this.#sequence.get(topic) ?? 0;
    this.#sequence.set(topic, seq + 1);
    const at = new Date(now).toISOString();
    const schema = `wayside/v${CONTRACT_VERSION}/${kind}`;
    const envelope = {
      schema,
      id: randomUUID(),
      session: this.id,
      seq,
      capturedAt: at,
      publishedAt: at,
      clock: UNKNOWN,
    };
    return { ...envelope, ...body } as MessageOf<K>;
  }
}

/** What stands on a box's topic. */
export const jobBody = (
  { id, model, limits }: Pick<Rollout, 'id' | 'model' | 'limits'>,
  { job, action, spreadSeconds }: Order,
): Pick<ModelDesiredMessage, 'job' | 'rollout' | 'action' | 'model' | 'limits' | 'spreadSeconds'> => ({
  job,
  rollout: id,
  action,
  model,
  ...(spreadSeconds === undefined ? {} : { spreadSeconds }),
  ...(limits === undefined || action === 'roll-back' ? {} : { limits }),
});
