import { createHash } from 'node:crypto';
import type { Log } from '../core/log.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { startCamera } from './camera/camera.ts';
import type { Camera, CameraOptions, CameraStatus, Frame, WorkingSize } from './camera/types.ts';
import type { CameraConfig } from './config/schema.ts';
import { motionPlacesOf, type Region, regionsOf } from './regions/regions.ts';
import { workingSizeOf } from './regions/working-size.ts';
import { Turns } from './turns.ts';

/** A camera in use, with what is wanted of it. */
export interface CameraEntry {
  readonly id: string;
  readonly config: CameraConfig;
  readonly regions: readonly Region[];
  /** Where things that move are shown to a classifier; undefined: nowhere. */
  readonly motionPlaces: readonly Region[] | undefined;
  readonly camera: Camera;
  /** Of everything that makes the decoder what it is, the password included: the same digest needs no new decoder. */
  readonly decoderDigest: string;
}

interface WantedCamera {
  readonly config: CameraConfig;
  readonly password: string | undefined;
  /** PEM. */
  readonly authority: string | undefined;
}

interface CameraSetListeners {
  readonly onFrame: () => void;
  readonly onStatus: (id: string) => void;
}

export function cameraOptions({ config, password, authority }: WantedCamera, workingSize: WorkingSize): CameraOptions {
  const { id, url, username, rate, transport, insecure, memoryLimitMb, decoder, decode } = config;
  return {
    id,
    url,
    rate,
    transport,
    decode,
    trust: { ca: authority, insecure },
    connectMs: config.connectSeconds * 1000,
    stallMs: config.stallSeconds * 1000,
    maxLagMs: config.maxLagSeconds * 1000,
    memoryLimitBytes: memoryLimitMb * 2 ** 20,
    workingSize,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(decoder === undefined ? {} : { decoder }),
  };
}

/** Where in the image something is looked for: who draws that anew has seen the view as it is. */
const placesOf = ({ regions, lines, zones, calibration }: CameraConfig): string =>
  JSON.stringify([regions, lines, zones, calibration]);

/** The cameras of a box, and whose turn it is. */
export class CameraSet {
  readonly #listeners: CameraSetListeners;
  readonly #log: Log;
  readonly #entries = new Map<string, CameraEntry>();
  /** The same as a list: it is read with every frame, and made anew when a camera comes, changes or goes. */
  #list: readonly CameraEntry[] = [];
  readonly #turns = new Turns();

  constructor(listeners: CameraSetListeners, log: Log) {
    this.#listeners = listeners;
    this.#log = log;
  }

  get entries(): readonly CameraEntry[] {
    return this.#list;
  }

  get(id: string): CameraEntry | undefined {
    return this.#entries.get(id);
  }

  statuses(): CameraStatus[] {
    return this.entries.map(({ camera }) => camera.status());
  }

  /** To be called about twice a second: replaces decoders that have grown too large. */
  check(): void {
    for (const { camera } of this.entries) camera.check();
  }

  /** As `Camera.holdImage`, of every camera. */
  holdImages(forMs: number): void {
    for (const { camera } of this.entries) camera.holdImage(forMs);
  }

  /** Since when the longest-waiting frame has waited, ms of `performance.now()`. */
  waitingSince(): number | undefined {
    return this.#turns.waitingSince();
  }

  /** The newest frame of the camera whose turn it is; undefined when no camera has one. */
  next(): { readonly entry: CameraEntry; readonly frame: Frame } | undefined {
    return this.#turns.next((id) => {
      const entry = this.#entries.get(id);
      const frame = entry?.camera.takeFrame();
      return entry === undefined || frame === undefined ? undefined : { entry, frame };
    });
  }

  /**
   * Makes the cameras those that are wanted: only decoders whose own settings changed are started anew; thresholds and
   * names of regions change in place.
   *
   * @returns ids of the cameras that are gone
   */
  async apply(wanted: readonly WantedCamera[], preprocessing: Preprocessing): Promise<string[]> {
    const ids = new Set(wanted.map(({ config }) => config.id));
    const gone = this.entries.filter(({ id }) => !ids.has(id));
    await Promise.all(gone.map((entry) => this.#remove(entry)));
    await Promise.all(wanted.map((each) => this.#put(each, preprocessing)));
    return gone.map(({ id }) => id);
  }

  /** Ends all decoders; the entries stay, as stopped. */
  async stop(): Promise<void> {
    this.#turns.clear();
    await Promise.all(this.entries.map(({ camera }) => camera.stop()));
  }

  async #put(wanted: WantedCamera, preprocessing: Preprocessing): Promise<void> {
    const { config } = wanted;
    const { id } = config;
    const options = cameraOptions(wanted, workingSizeOf(preprocessing, config));
    const decoderDigest = createHash('sha256').update(JSON.stringify(options)).digest('hex');
    const previous = this.#entries.get(id);
    const places = { regions: regionsOf(config), motionPlaces: motionPlacesOf(config) };
    if (previous?.decoderDigest === decoderDigest) {
      if (placesOf(previous.config) !== placesOf(config)) previous.camera.renewView();
      this.#set({ ...previous, config, ...places });
      return;
    }
    if (previous !== undefined) await this.#remove(previous);
    const camera = startCamera(options, {
      log: this.#log.child({ camera: id }),
      onFrame: () => {
        this.#turns.offer(id, performance.now());
        this.#listeners.onFrame();
      },
      onStatus: () => this.#listeners.onStatus(id),
    });
    this.#set({ id, config, ...places, camera, decoderDigest });
    this.#turns.add(id);
  }

  #set(entry: CameraEntry): void {
    this.#entries.set(entry.id, entry);
    this.#list = [...this.#entries.values()];
  }

  async #remove({ id, camera }: CameraEntry): Promise<void> {
    this.#entries.delete(id);
    this.#list = [...this.#entries.values()];
    this.#turns.remove(id);
    await camera.stop();
  }
}
