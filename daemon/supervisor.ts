import type { Clock } from '../contract/messages/envelope.ts';
import type { Log } from '../core/log.ts';
import { CameraSet } from './cameras.ts';
import type { LoadedConfig } from './config/load.ts';
import { detectionsBody, jobFor, type PendingFrame, stageTimes } from './detections.ts';
import { filesShort, openFiles } from './file-descriptors.ts';
import type { Ready, Result } from './inference/protocol.ts';
import { InferenceService } from './inference/service.ts';
import { ModelChoice } from './model.ts';
import { stuckParts } from './progress.ts';
import { sameConnection } from './reload.ts';
import { Reports } from './reports.ts';
import { stateOf } from './state.ts';
import { infoBody } from './status-bodies.ts';
import { ClockSteps } from './telemetry/clock-steps.ts';
import { Every } from './telemetry/every.ts';
import type { HostFigures } from './telemetry/host.ts';
import { telemetryBody } from './telemetry/report.ts';
import { StageLatencies } from './telemetry/stages.ts';

export interface SupervisorDeps {
  readonly log: Log;
  readonly clock: () => Clock;
  readonly readHost: () => Promise<HostFigures>;
}

/**
 * The whole of the daemon: cameras to inference process to MQTT.
 *
 * It holds the credentials and loads neither a video nor an inference library: these live in children, which it replaces.
 * Whatever fails out there changes the published state and nothing else: nobody stands beside the box to read a log.
 */
export class Supervisor {
  readonly #deps: SupervisorDeps;
  readonly #log: Log;
  readonly #stages = new StageLatencies();
  readonly #cameras: CameraSet;
  readonly #service: InferenceService<PendingFrame>;
  readonly #model: ModelChoice;
  readonly #reports: Reports;
  #loaded: LoadedConfig;
  /** What the inference process in use said of itself. */
  #speaker: Ready | undefined;
  #configurationRefused: string | undefined;
  /** What the machine does not give enough of. */
  #short: string | undefined;
  readonly #filesBefore = openFiles();
  #draining = false;
  readonly #telemetry: Every;
  readonly #clockSteps = new ClockSteps();
  #reportedAt = performance.now();
  readonly #startedAt = performance.now();

  constructor(loaded: LoadedConfig, deps: SupervisorDeps) {
    this.#loaded = loaded;
    this.#deps = deps;
    this.#log = deps.log;
    this.#cameras = new CameraSet(
      { onFrame: () => this.#dispatch(), onStatus: (id) => this.#cameraChanged(id) },
      deps.log,
    );
    this.#service = new InferenceService(
      {
        onReady: (ready) => this.#modelReady(ready),
        onResult: (result, pending) => this.#publishResult(result, pending),
        onLost: (frames, reason) => this.#lost(frames, reason),
        onChange: () => this.#publishState(),
      },
      deps.log,
    );
    this.#model = new ModelChoice(this.#service, deps.log);
    this.#telemetry = new Every(
      () => this.#reportTelemetry().catch((error: unknown) => this.#log.error({ err: error }, 'telemetry failed')),
      () => this.#log.warn('telemetry is late: the figures of the host take longer than an interval to read'),
    );
    this.#reports = new Reports(
      loaded,
      {
        state: () => this.#state(),
        info: () => infoBody(this.#speaker, this.#cameras.entries, this.#loaded.digest),
        camera: (id) => this.#cameras.get(id)?.camera.status(),
      },
      deps,
    );
  }

  /** One line for `systemctl status`. */
  get summary(): string {
    const live = this.#cameras.statuses().filter(({ state }) => state === 'live').length;
    const { name, version } = this.#speaker?.model ?? { name: 'no model', version: 'ready' };
    const broker = this.#reports.status().connected ? 'connected' : 'away';
    return `${live} of ${this.#loaded.config.cameras.length} cameras live, ${name} ${version}, broker ${broker}`;
  }

  /** Starts everything; resolves when all parts are under way, not when they are well. */
  async start(): Promise<void> {
    this.#countFiles();
    this.#reports.start();
    await this.#model.apply(this.#loaded);
    await this.#applyCameras();
    this.#keepTelemetry();
  }

  /** To be called about twice a second. @returns what no longer does its work, for the watchdog */
  check(): string[] {
    const stepMs = this.#clockSteps.look();
    if (stepMs !== undefined) this.#log.warn({ stepMs }, 'the clock of the box was set');
    this.#service.check();
    this.#cameras.check();
    this.#publishState();
    const idle = this.#service.idle && !this.#draining;
    return stuckParts({
      now: performance.now(),
      cameras: this.#cameras.statuses(),
      inference: this.#service.status(),
      hangMs: (this.#model.running?.config.hangSeconds ?? 0) * 1000,
      mqtt: this.#reports.status(),
      undispatchedSince: idle ? this.#cameras.waitingSince() : undefined,
    });
  }

  /** Goes over to another configuration; what it does not change goes on undisturbed. */
  async reload(next: LoadedConfig): Promise<void> {
    const reconnect = !sameConnection(this.#loaded, next);
    this.#loaded = next;
    this.#countFiles();
    this.#configurationRefused = undefined;
    if (reconnect) await this.#reports.reconnect(next);
    if (!this.#draining) await this.#model.apply(next);
    if (this.#draining) return;
    await this.#applyCameras();
    this.#keepTelemetry();
    this.#reports.info();
    this.#publishState();
    this.#log.info({ digest: next.digest, reconnect }, 'configuration reloaded');
  }

  /** Says that a configuration was not taken. */
  refuse(reason: string): void {
    this.#configurationRefused = reason;
    this.#publishState();
  }

  /** Finishes the frame in flight, publishes `offline`, ends all children. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#telemetry.stop();
    await Promise.all([this.#cameras.stop(), this.#service.stop()]);
    await this.#reports.stop();
  }

  #state(): ReturnType<typeof stateOf> {
    const { refusedTopics, unstable } = this.#reports.status();
    return stateOf({
      short: this.#short,
      broker: { refusedTopics, unstable, other: this.#reports.other() },
      cameras: this.#cameras.statuses(),
      inference: this.#service.status(),
      modelRefused: this.#model.refused,
      configurationRefused: this.#configurationRefused,
    });
  }

  async #applyCameras(): Promise<void> {
    const model = this.#model.running;
    if (model === undefined || this.#draining) return;
    const { config, secrets } = this.#loaded;
    const wanted = config.cameras.map((camera) => ({
      config: camera,
      password: secrets.cameras.get(camera.id),
      authority: secrets.cameraAuthorities.get(camera.id),
    }));
    const gone = await this.#cameras.apply(wanted, model.admitted.manifest.preprocessing);
    for (const id of [...gone, ...config.cameras.map((camera) => camera.id)]) this.#reports.camera(id);
    this.#reports.info();
    this.#publishState();
  }

  /** Gives the next frame to the model, as soon as there is one and the model has time. */
  #dispatch(): void {
    if (this.#draining || this.#speaker === undefined || !this.#service.idle) return;
    const next = this.#cameras.next();
    if (next === undefined) return;
    const { entry, frame } = next;
    this.#service.submit(jobFor(entry, frame), {
      camera: entry.id,
      regions: entry.regions,
      frame,
      speaker: this.#speaker,
      submittedAt: performance.now(),
    });
  }

  #publishResult(result: Result, pending: PendingFrame): void {
    const receivedAt = performance.now();
    this.#cameras.get(pending.camera)?.camera.giveBack(pending.frame.data); // answered: read to its end
    this.#dispatch(); // first: the model works while this process writes the message
    const body = detectionsBody(pending, result, performance.now());
    this.#reports.detections(body, pending.frame.capturedAtWall);
    this.#stages.add(stageTimes(pending, result, receivedAt, performance.now()));
  }

  #lost(frames: readonly PendingFrame[], reason: string): void {
    this.#log.warn({ frames: frames.length, reason }, 'frames were taken and not analysed');
    this.#dispatch();
  }

  #modelReady(ready: Ready): void {
    this.#speaker = ready;
    this.#reports.info();
    this.#dispatch();
  }

  #cameraChanged(id: string): void {
    this.#reports.camera(id);
    this.#publishState();
  }

  /** While draining, parts go down one by one: that is no news. */
  #publishState(): void {
    if (!this.#draining) this.#reports.state();
  }

  /** With too few it runs as well, with as many cameras as there is room for. */
  #countFiles(): void {
    const short = filesShort(this.#loaded.config.cameras.length, this.#filesBefore);
    if (short !== undefined && short !== this.#short) this.#log.error({ short }, 'too few file descriptors');
    this.#short = short;
  }

  #keepTelemetry(): void {
    if (!this.#draining) this.#telemetry.set(this.#loaded.config.telemetry.intervalSeconds * 1000);
  }

  async #reportTelemetry(): Promise<void> {
    const host = await this.#deps.readHost();
    if (this.#draining) return;
    const now = performance.now();
    const intervalSeconds = (now - this.#reportedAt) / 1000;
    this.#reportedAt = now;
    this.#reports.telemetry(
      telemetryBody({
        host,
        stages: this.#stages,
        cameras: this.#cameras.statuses(),
        inference: this.#service.status(),
        mqtt: this.#reports.status(),
        clockSteps: this.#clockSteps.seen,
        model: this.#speaker?.model ?? null,
        intervalSeconds,
        uptimeSeconds: (now - this.#startedAt) / 1000,
      }),
    );
    for (const { id } of this.#cameras.entries) this.#reports.camera(id);
  }
}
