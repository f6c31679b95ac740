import { cameraStatusBody } from '../status-bodies.ts';
import { Every } from '../telemetry/every.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature } from './feature.ts';

/** Says how each camera is: at every change, and as often as telemetry for the figures. */
export class CameraStatusReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;
  readonly #published = new Set<string>();
  readonly #figures = new Every(async () => this.#publishAll());

  constructor(daemon: DaemonView, uplink: Uplink) {
    this.#daemon = daemon;
    this.#uplink = uplink;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on('camera', (id) => this.#publish(id), signal);
    this.#daemon.on('moved', () => this.#publishAll(), signal);
    this.#daemon.on('leaving', (_, forGood) => (forGood ? this.#publishAll() : this.#clearAll()), signal);
    this.#daemon.on(
      'configured',
      () => this.#figures.set(this.#daemon.present.loaded.config.telemetry.intervalSeconds * 1000),
      signal,
    );
    signal.addEventListener('abort', () => this.#figures.stop(), { once: true });
  }

  #publishAll(): void {
    for (const { id } of this.#daemon.present.cameras) this.#publish(id);
  }

  #clearAll(): void {
    for (const id of this.#published) this.#uplink.clear('camera-status', { camera: id });
  }

  /** Publishes the status of a camera; removes it when the camera is gone. */
  #publish(id: string): void {
    const camera = this.#daemon.present.cameras.find((entry) => entry.id === id)?.camera;
    if (camera === undefined) {
      if (this.#published.delete(id)) this.#uplink.clear('camera-status', { camera: id });
      return;
    }
    this.#published.add(id);
    this.#uplink.retain('camera-status', () => cameraStatusBody(camera.status()), { camera: id });
  }
}
