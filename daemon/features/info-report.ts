import { infoBody } from '../status-bodies.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature } from './feature.ts';

/** Says what the box is: versions, model, cameras, hardware. */
export class InfoReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;

  constructor(daemon: DaemonView, uplink: Uplink) {
    this.#daemon = daemon;
    this.#uplink = uplink;
  }

  start(signal: AbortSignal): void {
    this.#publish();
    let known = this.#decoders();
    this.#daemon.on(
      'camera',
      () => {
        const now = this.#decoders();
        if (now !== known) this.#publish();
        known = now;
      },
      signal,
    );
    for (const name of ['configured', 'moved'] as const) this.#daemon.on(name, () => this.#publish(), signal);
  }

  #decoders(): string {
    return JSON.stringify(this.#daemon.present.cameras.map(({ camera }) => camera.status().decoder));
  }

  #publish(): void {
    this.#uplink.retain('info', () => {
      const { model, cameras, loaded } = this.#daemon.present;
      return infoBody(model, cameras, loaded.digest, loaded.secrets.identity);
    });
  }
}
