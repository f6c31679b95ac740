import { EventEmitter } from 'node:events';
import type { StateReason } from '../../contract/messages/state.ts';
import type { Log } from '../../core/log.ts';
import type { Frame } from '../camera/types.ts';
import type { CameraEntry } from '../cameras.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { PendingFrame } from '../detections.ts';
import type { Ready, Result } from '../inference/protocol.ts';
import type { ServiceStatus } from '../inference/service.ts';
import type { UnusablePackage } from '../model/choice.ts';
import type { HostFigures } from '../telemetry/host.ts';
import type { TrialControl, TrialNews } from '../trial/trials.ts';
import type { ClassScheme } from '../vision/class-scheme.ts';
import type { TrafficFrame } from '../vision/traffic.ts';

/** The daemon at this moment. */
export interface Present {
  readonly loaded: LoadedConfig;
  /** What the inference process in use said of itself. */
  readonly model: Ready | undefined;
  readonly cameras: readonly CameraEntry[];
  readonly inference: ServiceStatus;
  /** Why no model is in use, or the newest one is not. */
  readonly modelRefused: string | undefined;
  /** Why another model runs than the one preferred. */
  readonly modelFallback: string | undefined;
  /** Packages that should run, and why they do not. */
  readonly unusable: readonly UnusablePackage[];
  readonly configurationRefused: string | undefined;
  /** What the machine does not give enough of. */
  readonly short: string | undefined;
  /** Parts go down one by one: that is no news. */
  readonly draining: boolean;
}

/**
 * The present, each part of it looked up when it is asked for: who reads wants one or two, some with every frame, and to gather all of them
 * for each was a fiftieth of all the supervisor did.
 */
export function presentOf(look: { readonly [K in keyof Present]: () => Present[K] }): Present {
  return {
    get loaded() {
      return look.loaded();
    },
    get model() {
      return look.model();
    },
    get cameras() {
      return look.cameras();
    },
    get inference() {
      return look.inference();
    },
    get modelRefused() {
      return look.modelRefused();
    },
    get modelFallback() {
      return look.modelFallback();
    },
    get unusable() {
      return look.unusable();
    },
    get configurationRefused() {
      return look.configurationRefused();
    },
    get short() {
      return look.short();
    },
    get draining() {
      return look.draining();
    },
  };
}

/** A frame that the model has answered. Times in ms of `performance.now()`. */
export interface AnalysedFrame {
  readonly frame: PendingFrame;
  readonly result: Result;
  /** When the answer came. */
  readonly receivedAt: number;
}

/** A frame in which objects were looked for, and what they do. */
export interface SeenFrame extends AnalysedFrame {
  readonly seen: TrafficFrame;
  /** Of the frame, in the times of `seen`, s. */
  readonly time: number;
  readonly scheme: ClassScheme;
}

/** What happens in the daemon, with what is told of it. */
interface DaemonEvents {
  /** A frame was handed to the model. Its pixels are valid until the listener returns. */
  taken: [entry: CameraEntry, frame: Frame];
  analysed: [AnalysedFrame];
  /** After `analysed`, where the model finds objects. */
  traffic: [SeenFrame];
  /** A camera says something else than before, is new, or is gone. */
  camera: [id: string];
  /** Configuration, cameras or model are others than before. */
  configured: [];
  /** Something that bears on the state may have changed. */
  changed: [];
  /** The reasons of the published state are others than before. */
  state: [reasons: readonly StateReason[]];
  /** About twice a second. */
  tick: [];
  /** Something is known of a candidate that is being tried. */
  trial: [TrialNews];
  /** A trial is over that says nothing of its candidate. */
  untried: [why: string];
  /** The last words to this broker. `for good`: the daemon ends; otherwise it goes on elsewhere, and `moved` follows. */
  leaving: [why: string, forGood: boolean];
  /** Nothing that was published is known where the daemon publishes now. */
  moved: [];
}

/** What features see of the daemon: they hear it and read it, and it does not know them. */
export class DaemonView {
  readonly #events = new EventEmitter();
  readonly #present: () => Present;

  constructor(present: () => Present) {
    this.#present = present;
    this.#events.setMaxListeners(0);
  }

  get present(): Present {
    return this.#present();
  }

  /** Calls a listener at every event of a name until the signal aborts; in the order in which they began to listen. */
  on<K extends keyof DaemonEvents>(name: K, listener: (...told: DaemonEvents[K]) => void, signal: AbortSignal): void {
    this.#events.on(name, listener);
    signal.addEventListener('abort', () => this.#events.off(name, listener), { once: true });
  }

  /** For the daemon alone. */
  emit<K extends keyof DaemonEvents>(name: K, ...told: DaemonEvents[K]): void {
    this.#events.emit(name, ...told);
  }
}

/** One thing that the box does with what happens in it. */
export interface Feature {
  /** Listens, and acts, until the signal aborts. */
  start(signal: AbortSignal): void;
}

/** What features need of the machine. */
export interface FeatureDeps {
  readonly log: Log;
  readonly readHost: () => Promise<HostFigures>;
  readonly trials: TrialControl;
}
