import { stageTimes } from '../detections.ts';
import { ClockSteps } from '../telemetry/clock-steps.ts';
import { Every } from '../telemetry/every.ts';
import { telemetryBody } from '../telemetry/report.ts';
import { StageLatencies } from '../telemetry/stages.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature, FeatureDeps } from './feature.ts';

/** Measures the way of frames and the host, and says it at even intervals. */
export class TelemetryReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;
  readonly #deps: Pick<FeatureDeps, 'log' | 'readHost'>;
  readonly #stages = new StageLatencies();
  readonly #clockSteps = new ClockSteps();
  readonly #turns: Every;
  readonly #startedAt = performance.now();
  #reportedAt = this.#startedAt;

  constructor(daemon: DaemonView, uplink: Uplink, deps: Pick<FeatureDeps, 'log' | 'readHost'>) {
    this.#daemon = daemon;
    this.#uplink = uplink;
    this.#deps = deps;
    const { log } = deps;
    this.#turns = new Every(
      () => this.#report().catch((error: unknown) => log.error({ err: error }, 'telemetry failed')),
      () => log.warn('telemetry is late: the figures of the host take longer than an interval to read'),
    );
  }

  start(signal: AbortSignal): void {
    this.#daemon.on(
      'analysed',
      ({ frame, result, receivedAt }) => this.#stages.add(stageTimes(frame, result, receivedAt, performance.now())),
      signal,
    );
    this.#daemon.on('tick', () => this.#lookAtClock(), signal);
    this.#daemon.on(
      'configured',
      () => this.#turns.set(this.#daemon.present.loaded.config.telemetry.intervalSeconds * 1000),
      signal,
    );
    signal.addEventListener('abort', () => this.#turns.stop(), { once: true });
  }

  #lookAtClock(): void {
    const stepMs = this.#clockSteps.look();
    if (stepMs !== undefined) this.#deps.log.warn({ stepMs }, 'the clock of the box was set');
  }

  async #report(): Promise<void> {
    const host = await this.#deps.readHost();
    const { cameras, inference, model, draining } = this.#daemon.present;
    if (draining) return;
    const now = performance.now();
    const intervalSeconds = (now - this.#reportedAt) / 1000;
    this.#reportedAt = now;
    const body = telemetryBody({
      host,
      stages: this.#stages,
      cameras: cameras.map(({ camera }) => camera.status()),
      inference,
      mqtt: this.#uplink.status(),
      journal: this.#uplink.journal(),
      clockSteps: this.#clockSteps.seen,
      model: model?.model ?? null,
      intervalSeconds,
      uptimeSeconds: (now - this.#startedAt) / 1000,
    });
    this.#uplink.send('telemetry', body, {});
  }
}
