import { type Misses, MissWatch } from '../audit/miss-watch.ts';
import { MotionCounter, type MotionCrossing } from '../audit/motion-counter.ts';
import type { Frame } from '../camera/types.ts';
import type { CameraEntry } from '../cameras.ts';
import { timeOf } from '../vision/cameras-traffic.ts';
import type { DaemonView, Feature, SeenFrame } from './feature.ts';

interface Audited {
  readonly motion: MotionCounter;
  readonly misses: MissWatch;
  /** Of what it was made from. */
  readonly made: string;
  /** What motion found since the model answered last. */
  readonly found: MotionCrossing[];
  lastTime: number;
}

/** Follows what moves without the model, where the configuration asks for it, and knows what share of crossings the model misses. */
export class MissReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #cameras = new Map<string, Audited>();

  constructor(daemon: DaemonView) {
    this.#daemon = daemon;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on('taken', (entry, frame) => this.#look(entry, frame), signal);
    this.#daemon.on('traffic', (seen) => this.#compare(seen), signal);
    this.#daemon.on('configured', () => this.#forget(), signal);
  }

  /** Undefined where it is not asked for, null while nothing is known. */
  of(camera: string): Misses | null | undefined {
    if (!this.#daemon.present.loaded.config.counting.selfAudit) return undefined;
    return this.#cameras.get(camera)?.misses.misses() ?? null;
  }

  #look({ id, config, camera }: CameraEntry, frame: Frame): void {
    if (config.lines.length === 0) return;
    const { loaded, model } = this.#daemon.present;
    if (!loaded.config.counting.selfAudit) return;
    if (model === undefined || model.task === 'classification') return;
    const { view } = camera.status();
    if (view !== null && view !== 'ok') return;
    const audited = this.#of(id, config.lines, frame);
    const time = timeOf(frame);
    if (time <= audited.lastTime) return;
    audited.lastTime = time;
    audited.found.push(...audited.motion.update(frame, time));
  }

  #compare({ frame, seen, time, scheme }: SeenFrame): void {
    const audited = this.#cameras.get(frame.camera);
    if (audited === undefined) return;
    audited.misses.add(time, audited.motion.brightness, {
      counted: seen.crossings.map((each) => ({ ...each, class: scheme.classes[each.classIndex] ?? 'unknown' })),
      boxes: seen.objects.map(({ box }) => box),
      found: audited.found.splice(0),
    });
  }

  #of(id: string, lines: CameraEntry['config']['lines'], { width, height }: Frame): Audited {
    const made = JSON.stringify([lines, width / height]);
    const known = this.#cameras.get(id);
    if (known?.made === made) return known;
    const audited: Audited = {
      motion: new MotionCounter(lines, width / height),
      misses: new MissWatch(),
      made,
      found: [],
      lastTime: Number.NEGATIVE_INFINITY,
    };
    this.#cameras.set(id, audited);
    return audited;
  }

  #forget(): void {
    const { cameras, loaded } = this.#daemon.present;
    for (const id of this.#cameras.keys())
      if (!loaded.config.counting.selfAudit || !cameras.some((entry) => entry.id === id)) this.#cameras.delete(id);
  }
}
