import { randomUUID } from 'node:crypto';
import { MESSAGE_KINDS } from '../../contract/messages/kinds.ts';
import { rootTopic } from '../../contract/messages/topics.ts';
import type { BrokerOptions } from '../../contract/mqtt/attempt.ts';
import type { Log } from '../../core/log.ts';
import { OfficeLink } from '../rollout/office-link.ts';
import { quietFor } from '../rollout/quiet.ts';
import { Inventory } from './inventory.ts';

interface InventoryOptions {
  readonly broker: Pick<BrokerOptions, 'url'> & Partial<BrokerOptions>;
  /** A site, or all: `+`. */
  readonly site: string;
  /** Heard until no new box came to be known for so long, by the level of MQTT that the broker speaks. */
  readonly quietMs: (level: number) => number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/**
 * Listens to what boxes have said of themselves; publishes nothing.
 *
 * @throws {WaysideError} BROKER_UNAVAILABLE; AbortError when `signal` aborts
 */
export async function takeInventory({ broker, site, quietMs, signal, log }: InventoryOptions): Promise<Inventory> {
  const inventory = new Inventory();
  let heardAt = performance.now();
  const link = new OfficeLink({ clientId: `wayside-fleet-${randomUUID().slice(0, 8)}`, ...broker }, log);
  try {
    await link.open();
    for (const kind of ['info', 'state'] as const)
      link.hear(`${rootTopic(site, '+')}/${MESSAGE_KINDS[kind].topic}`, ({ topic, payload }) => {
        const known = inventory.size;
        inventory.hear(topic, Buffer.from(payload));
        if (inventory.size > known) heardAt = performance.now();
      });
    await quietFor(() => heardAt, quietMs(link.level), signal);
    return inventory;
  } finally {
    await link.close();
  }
}
