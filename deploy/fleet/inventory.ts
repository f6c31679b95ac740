import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { kindOf, readMessage } from '../../contract/messages/heard.ts';
import type { StateMessage } from '../../contract/messages/state.ts';
import { messageOf } from '../../core/errors.ts';

/** What a box said of itself, retained at the broker: also of one that is away. */
export interface KnownBox {
  readonly site: string;
  readonly box: string;
  /** null: it has said nothing of its state */
  readonly state: StateMessage['state'] | null;
  readonly software: { readonly wayside: string; readonly node: string; readonly onnxRuntime: string | null } | null;
  /** null: it runs none, or has not said which */
  readonly model: ModelIdentity | null;
  /** When it said what it runs, by its own clock; null: it never did, or not in a way that can be read */
  readonly saidAt: string | null;
  /** Why what it runs is not known; null where it is. */
  readonly unknown: string | null;
}

const NOTHING_SAID = 'it has not said what it runs';

/** The boxes of a broker by their retained `info` and `state`. */
export class Inventory {
  readonly #boxes = new Map<string, KnownBox>();

  get boxes(): KnownBox[] {
    const key = ({ site, box }: KnownBox): string => `${site}/${box}`;
    return [...this.#boxes.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  get size(): number {
    return this.#boxes.size;
  }

  hear(topic: string, payload: Buffer): void {
    const kind = kindOf(topic)?.kind;
    const [, , site, box] = topic.split('/');
    if ((kind !== 'info' && kind !== 'state') || site === undefined || box === undefined || box.startsWith('_')) return;
    const change = kind === 'info' ? runs(payload) : stands(payload);
    const nothing = { site, box, state: null, software: null, model: null, saidAt: null, unknown: NOTHING_SAID };
    const key = `${site}/${box}`;
    this.#boxes.set(key, { ...(this.#boxes.get(key) ?? nothing), ...change });
  }

  /** Boxes whose model has the digest, or one that begins so; those of which nobody knows are not among them. */
  running(digest: string): KnownBox[] {
    return this.boxes.filter(({ model }) => model?.digest.startsWith(digest) === true);
  }

  /** Boxes that may run anything: what cannot be ruled out is not "no". */
  get unknown(): KnownBox[] {
    return this.boxes.filter(({ unknown }) => unknown !== null);
  }
}

function runs(payload: Buffer): Partial<KnownBox> {
  const none = { software: null, model: null, saidAt: null };
  try {
    const info = readMessage('info', payload);
    if (info === undefined) return { ...none, unknown: NOTHING_SAID };
    return { software: info.software, model: info.model, saidAt: info.publishedAt, unknown: null };
  } catch (cause) {
    return { ...none, unknown: `what it said cannot be read: ${messageOf(cause).split('\n')[0]}` };
  }
}

function stands(payload: Buffer): Partial<KnownBox> {
  try {
    return { state: readMessage('state', payload)?.state ?? null };
  } catch {
    return { state: null }; // of another version: what it runs is told by another message
  }
}
