import type { Log } from '../../core/log.ts';
import { detectionsIn } from '../inference/protocol.ts';
import { classifiedProposals } from '../motion/camera-proposals.ts';
import { CamerasTraffic } from '../vision/cameras-traffic.ts';
import { ModelSchemes } from '../vision/model-schemes.ts';
import type { AnalysedFrame, DaemonView, Feature } from './feature.ts';

/** Follows the objects of every camera from frame to frame, for those who tell of them. */
export class TrafficWatch implements Feature {
  readonly #daemon: DaemonView;
  readonly #traffic = new CamerasTraffic();
  readonly #schemes = new ModelSchemes();
  readonly #log: Log;

  constructor(daemon: DaemonView, log: Log) {
    this.#daemon = daemon;
    this.#log = log;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on('analysed', (analysed) => this.#see(analysed), signal);
    this.#daemon.on('configured', () => this.#forget(), signal);
  }

  #see({ frame, result, receivedAt }: AnalysedFrame): void {
    const detections = detectionsIn(result) ?? classifiedProposals(frame, result);
    if (detections === undefined) return;
    const entry = this.#daemon.present.cameras.find(({ id }) => id === frame.camera);
    if (entry === undefined) return;
    const { ready } = frame;
    const scheme = this.#schemes.of(ready, this.#daemon.present.loaded.config.counting.classes, (classes) =>
      this.#log.warn({ MODEL: ready.model.name, classes }, 'the model knows no such classes: they are not counted'),
    );
    const followed = this.#traffic.update(entry.id, entry.config, scheme, frame.frame, detections);
    if (followed === undefined) return;
    this.#daemon.emit('traffic', { frame, result, receivedAt, ...followed, scheme });
  }

  #forget(): void {
    this.#traffic.keep(new Set(this.#daemon.present.cameras.map(({ id }) => id)));
  }
}
