import type { MessageOf } from '../../../contract/messages/kinds.ts';

/** What is asked of a camera before a fault counts as recovered from, beside detections of a new frame and the status `live`. */
interface Wanted {
  /** Another connection to the camera than before: the frames of the old one may still be under way. */
  readonly renewed?: boolean;
  /** The version of the model that speaks. */
  readonly model?: () => string;
}

export interface Recovery {
  readonly fault: string;
  readonly seconds: number;
}

/** One camera as the control centre sees it. */
interface Seen {
  /** Faults in the way of its detections now. */
  troubles: number;
  /** When the last of them ended, ms since the epoch. */
  wellSince: number;
  live: boolean;
  connection: number;
}

interface Waiting {
  readonly fault: string;
  readonly ended: number;
  readonly wanted: Wanted;
  /** It took one camera only. */
  readonly alone: boolean;
  /** Cameras not yet seen again, each with the connection it had. */
  readonly cameras: Map<string, number>;
  seconds: number;
}

/** Undisturbed for so long and still not back: it did not recover. */
export const RECOVERED_WITHIN_S = 60;

/**
 * Tells when what a fault took is there again. A camera is back with the detections of a frame that was captured after the fault, and a
 * status that says live. The time counts from the end of the fault; where other faults were in the way of the same camera meanwhile, from
 * the end of the last of them.
 */
export class Recoveries {
  readonly recovered: Recovery[] = [];
  /** What did not come back, in words. */
  readonly lost: string[] = [];
  readonly #seen: ReadonlyMap<string, Seen>;
  #waiting: Waiting[] = [];

  constructor(cameras: readonly string[]) {
    this.#seen = new Map(cameras.map((id) => [id, { troubles: 0, wellSince: 0, live: false, connection: -1 }]));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Every camera is seen. */
  get isWell(): boolean {
    return [...this.#seen.values()].every(({ live, connection }) => live && connection >= 0);
  }

  /** Whether a camera is seen, nothing is in its way, and it has come back from every fault of its own. */
  isUndisturbed(camera: string): boolean {
    const { live, troubles } = this.#of(camera);
    return live && troubles === 0 && !this.#waiting.some(({ alone, cameras }) => alone && cameras.has(camera));
  }

  /**
   * A fault is in the way of these cameras, until it ends, or turns out not to have happened. Each camera that is not seen is waited for
   * on account of one fault: one of its own, or else the one that took it first.
   */
  begin(
    fault: string,
    cameras: readonly string[],
    wanted: Wanted,
  ): { readonly end: (now?: number) => void; readonly cancel: () => void } {
    const alone = cameras.length === 1;
    const free = alone ? cameras : cameras.filter((id) => !this.#isAwaited(id));
    const concerned = new Map((free.length > 0 ? free : cameras).map((id) => [id, this.#of(id).connection]));
    for (const id of cameras) this.#of(id).troubles++;
    const cancel = (): void => {
      for (const id of cameras) this.#of(id).troubles--;
    };
    return {
      cancel,
      end: (now = Date.now()) => {
        cancel();
        for (const id of cameras) this.#of(id).wellSince = now;
        if (alone) for (const each of this.#waiting) if (each.cameras.size > 1) each.cameras.delete(cameras[0] ?? '');
        this.#waiting.push({ fault, ended: now, wanted, alone, cameras: concerned, seconds: 0 });
      },
    };
  }

  status({ camera, state }: Pick<MessageOf<'camera-status'>, 'camera' | 'state'>): void {
    this.#of(camera).live = state === 'live';
  }

  detections(
    {
      camera,
      capturedAt,
      model,
      frame,
    }: {
      readonly camera: string;
      readonly capturedAt: string;
      readonly model: { readonly version: string };
      readonly frame: { readonly connection: number };
    },
    now = Date.now(),
  ): void {
    const seen = this.#of(camera);
    seen.connection = frame.connection;
    if (!seen.live || seen.troubles > 0) return;
    for (const each of this.#waiting) {
      const before = each.cameras.get(camera);
      if (before === undefined) continue;
      const from = Math.max(each.ended, seen.wellSince);
      if (Date.parse(capturedAt) < from) continue;
      if (each.wanted.renewed === true && frame.connection === before) continue;
      if (each.wanted.model !== undefined && each.wanted.model() !== model.version) continue;
      each.cameras.delete(camera);
      each.seconds = Math.max(each.seconds, (now - from) / 1000);
      if (each.cameras.size === 0) this.recovered.push({ fault: each.fault, seconds: each.seconds });
    }
    this.#waiting = this.#waiting.filter(({ cameras }) => cameras.size > 0);
  }

  /** To be called now and then: gives up what has had its time. */
  check(now: number): void {
    this.#waiting = this.#waiting.filter(({ fault, ended, cameras }) => {
      const late = [...cameras.keys()].filter((id) => {
        const { troubles, wellSince } = this.#of(id);
        return troubles === 0 && now - Math.max(ended, wellSince) > RECOVERED_WITHIN_S * 1000;
      });
      if (late.length > 0)
        this.lost.push(`${fault} at ${new Date(ended).toISOString()}: ${late.join(', ')} not seen again`);
      return late.length === 0;
    });
  }

  #isAwaited = (camera: string): boolean =>
    this.#of(camera).troubles > 0 || this.#waiting.some(({ cameras }) => cameras.has(camera));

  #of(camera: string): Seen {
    const seen = this.#seen.get(camera);
    if (seen === undefined) throw new Error(`there is no camera ${camera}`);
    return seen;
  }
}
