import { setMaxListeners } from 'node:events';
import type { Clock } from '../contract/messages/envelope.ts';
import type { Log } from '../core/log.ts';
import { HELD_IMAGES_MS } from './camera/held-image.ts';
import { CameraSet } from './cameras.ts';
import type { LoadedConfig } from './config/load.ts';
import { jobFor, type PendingFrame } from './detections.ts';
import { DaemonView, type Feature, presentOf } from './features/feature.ts';
import { featuresOf } from './features/list.ts';
import { filesShort, openFiles } from './file-descriptors.ts';
import { ModelPair } from './inference/pair.ts';
import type { PairListeners } from './inference/pair-listeners.ts';
import { ModelChoice } from './model/choice.ts';
import { sameConnection, sameModelSettings } from './model/reload.ts';
import { CameraProposals } from './motion/camera-proposals.ts';
import { stuckCameras, stuckParts } from './progress.ts';
import type { HostFigures } from './telemetry/host.ts';
import { Trials } from './trial/trials.ts';
import { Uplink } from './uplink.ts';

interface SupervisorDeps {
  readonly log: Log;
  readonly clock: () => Clock;
  readonly readHost: () => Promise<HostFigures>;
}

/**
 * Cameras to inference process to features, which publish.
 *
 * It holds the credentials and loads neither a video nor an inference library: these live in children, which it replaces.
 * Whatever fails out there changes the published state and nothing else: nobody stands beside the box to read a log.
 */
export class Supervisor {
  readonly #log: Log;
  readonly #cameras: CameraSet;
  readonly #proposals: CameraProposals;
  readonly #pair: ModelPair<PendingFrame>;
  readonly #model: ModelChoice;
  readonly #trials: Trials;
  readonly #present = presentOf({
    loaded: () => this.#loaded,
    model: () => this.#pair.ready,
    cameras: () => this.#cameras.entries,
    inference: () => this.#pair.status(),
    modelRefused: () => this.#model.refused,
    modelFallback: () => this.#model.fallback,
    unusable: () => this.#model.unusable,
    configurationRefused: () => this.#configurationRefused,
    short: () => this.#short,
    draining: () => this.#draining,
  });
  readonly #view = new DaemonView(() => this.#present);
  readonly #uplink: Uplink;
  readonly #features: readonly Feature[];
  readonly #ended = new AbortController();
  readonly #filesBefore = openFiles();
  #loaded: LoadedConfig;
  #configurationRefused: string | undefined;
  #short: string | undefined;
  #draining = false;
  /** ms of `performance.now()`. */
  #imagesHeldUntil = Number.NEGATIVE_INFINITY;
  #turn: Promise<void> = Promise.resolve();
  #looking = false;

  constructor(loaded: LoadedConfig, deps: SupervisorDeps) {
    this.#loaded = loaded;
    this.#log = deps.log;
    this.#cameras = new CameraSet(
      { onFrame: () => this.#dispatch(), onStatus: (id) => this.#view.emit('camera', id) },
      deps.log,
    );
    this.#proposals = new CameraProposals(deps.log);
    this.#pair = new ModelPair(this.#pairListeners(), deps.log);
    this.#model = new ModelChoice(this.#pair, deps.log);
    this.#trials = new Trials({
      pair: this.#pair,
      choice: this.#model,
      loaded: () => this.#loaded,
      news: (news) => this.#view.emit('trial', news),
      untried: (why) => this.#view.emit('untried', why),
      inTurn: (act) => this.#inTurn(act),
      settle: () => this.#settle(),
      log: deps.log,
    });
    this.#uplink = new Uplink(loaded, deps);
    this.#features = featuresOf(this.#view, this.#uplink, { ...deps, trials: this.#trials });
  }

  /** One line for `systemctl status`. */
  get summary(): string {
    const live = this.#cameras.statuses().filter(({ state }) => state === 'live').length;
    const { name, version } = this.#pair.ready?.model ?? { name: 'no model', version: 'ready' };
    const broker = this.#uplink.status().connected ? 'connected' : 'away';
    const refused = this.#configurationRefused === undefined ? '' : `; refused: ${this.#configurationRefused}`;
    return `${live} of ${this.#loaded.config.cameras.length} cameras live, ${name} ${version}, broker ${broker}${refused}`;
  }

  /** Why the package that the configuration names is not the one in use. */
  get modelRefused(): string | undefined {
    return this.#model.refused;
  }

  /** Starts everything; resolves when all parts are under way, not when they are well. */
  async start(): Promise<void> {
    this.#countFiles();
    setMaxListeners(0, this.#ended.signal); // one for each thing that a feature listens to
    for (const feature of this.#features) feature.start(this.#ended.signal);
    this.#uplink.start();
    await this.#inTurn(() => this.#settle());
  }

  /** To be called about twice a second. @returns what no longer does its work, for the watchdog, and the cameras among it */
  check(): { readonly stuck: string[]; readonly cameras: string[] } {
    this.#pair.check();
    this.#cameras.check();
    this.#trials.check(this.#cameras.statuses().some(({ state }) => state === 'live'));
    if (this.#model.isTimeToLook()) this.#lookForModel();
    this.#view.emit('tick');
    const idle = this.#pair.idle && !this.#draining;
    const cameras = this.#cameras.statuses();
    const stuck = stuckParts({
      now: performance.now(),
      cameras,
      inference: this.#pair.status(),
      hangMs: (this.#model.running?.config.hangSeconds ?? 0) * 1000,
      mqtt: this.#uplink.status(),
      undispatchedSince: idle ? this.#cameras.waitingSince() : undefined,
    });
    return { stuck, cameras: stuckCameras({ cameras }).map(({ id }) => id) };
  }

  /** For a drill: every camera's picture stops, or goes on where it was stopped; in any case it goes on after `HELD_IMAGES_MS`. */
  holdImages(): void {
    const now = performance.now();
    const held = now >= this.#imagesHeldUntil;
    this.#imagesHeldUntil = held ? now + HELD_IMAGES_MS : Number.NEGATIVE_INFINITY;
    this.#cameras.holdImages(held ? HELD_IMAGES_MS : 0);
    this.#log.warn({ held, forMs: HELD_IMAGES_MS }, 'a drill stops the pictures of all cameras, or lets them go on');
  }

  /** Goes over to another configuration; what it does not change goes on undisturbed. */
  async reload(next: LoadedConfig): Promise<void> {
    await this.#inTurn(() => this.#reload(next));
  }

  async #reload(next: LoadedConfig): Promise<void> {
    const reconnect = !sameConnection(this.#loaded, next);
    if (!sameModelSettings(this.#loaded, next)) this.#trials.abort('the box was configured otherwise');
    this.#loaded = next;
    this.#countFiles();
    this.#configurationRefused = undefined;
    if (reconnect) await this.#move(next);
    await this.#settle();
    if (this.#draining) return;
    this.#log.info({ digest: next.digest, reconnect }, 'configuration reloaded');
  }

  /** Says that a configuration was not taken. */
  refuse(reason: string): void {
    this.#configurationRefused = reason;
    this.#view.emit('changed');
  }

  /** Finishes the frame in flight, lets the features say their last words, ends all children. */
  async stop(): Promise<void> {
    this.#draining = true;
    await Promise.all([this.#cameras.stop(), this.#pair.stop()]);
    this.#view.emit('leaving', 'ended on request', true);
    this.#ended.abort();
    await this.#uplink.stop();
  }

  /** Brings about what the configuration and the store say. */
  async #settle(): Promise<void> {
    if (!this.#draining) await this.#model.apply(this.#loaded);
    if (!this.#draining) await this.#applyCameras();
  }

  /** One after the other: what decides about models and cameras waits, and the next decides anew. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined); // whoever asked is told
    return done;
  }

  /** Another package, where the one that runs or should run cannot be used; or this one again, where it can. */
  #lookForModel(): void {
    if (this.#looking || this.#draining) return;
    this.#looking = true;
    this.#inTurn(async () => {
      const before = this.#model.running;
      if (!this.#draining) await this.#model.look(this.#loaded);
      if (this.#model.running !== before) await this.#applyCameras();
      this.#view.emit('changed');
    })
      .catch((error: unknown) => this.#log.error({ err: error }, 'looking for a model package'))
      .finally(() => {
        this.#looking = false;
      });
  }

  async #move(next: LoadedConfig): Promise<void> {
    this.#view.emit('leaving', 'the box now reports elsewhere', false);
    await this.#uplink.move(next);
    if (!this.#draining) this.#view.emit('moved');
  }

  async #applyCameras(): Promise<void> {
    const model = this.#model.running;
    if (model !== undefined && !this.#draining) {
      const { config, secrets } = this.#loaded;
      const wanted = config.cameras.map((camera) => ({
        config: camera,
        password: secrets.cameras.get(camera.id),
        authority: secrets.cameraAuthorities.get(camera.id),
      }));
      const gone = await this.#cameras.apply(wanted, model.admitted.manifest.preprocessing);
      this.#proposals.keep(new Set(config.cameras.map((camera) => camera.id)));
      for (const id of [...gone, ...config.cameras.map((camera) => camera.id)]) this.#view.emit('camera', id);
    }
    if (this.#draining) return;
    this.#view.emit('configured');
    this.#view.emit('changed');
  }

  /** Gives the next frame to the model, as soon as there is one and the model has time. */
  #dispatch(): void {
    const ready = this.#pair.ready;
    if (this.#draining || ready === undefined || !this.#pair.idle) return;
    const next = this.#cameras.next();
    if (next === undefined) return;
    const { entry, frame } = next;
    const proposals = this.#proposals.of(entry, frame, ready);
    this.#pair.submit(jobFor(entry, frame, proposals), {
      camera: entry.id,
      regions: entry.regions,
      proposals,
      frame,
      ready,
      submittedAt: performance.now(),
    });
    // The model works meanwhile; the pixels are the camera's again once this returns.
    this.#view.emit('taken', entry, frame);
  }

  #pairListeners(): PairListeners<PendingFrame> {
    return {
      onReady: () => this.#view.emit('configured'),
      onResult: (result, frame, ready) => {
        const receivedAt = performance.now();
        this.#dispatch(); // first: the model works while the features do
        this.#view.emit('analysed', { frame: frame.ready === ready ? frame : { ...frame, ready }, result, receivedAt });
      },
      onLost: (frames, reason) => {
        const cameras = [...new Set(frames.map(({ camera }) => camera))];
        this.#log.warn({ frames: frames.length, cameras, reason }, 'frames were taken and not analysed');
        this.#dispatch();
      },
      onHandedOn: ({ camera }, reason) =>
        this.#log.warn({ camera, reason }, 'the candidate failed on a frame: the running model gets it'),
      onRead: ({ camera, frame }) => this.#cameras.get(camera)?.camera.giveBack(frame.data),
      onFree: () => this.#dispatch(),
      onChange: () => this.#view.emit('changed'),
      onLoaded: () => this.#model.loaded(),
      onEnd: (end, failures) => {
        this.#trials.runningEnded();
        if (this.#model.ended(end, failures)) this.#lookForModel();
      },
    };
  }

  /** With too few it runs as well, with as many cameras as there is room for. */
  #countFiles(): void {
    const short = filesShort(this.#loaded.config.cameras.length, this.#filesBefore);
    if (short !== undefined && short !== this.#short) this.#log.error({ short }, 'too few file descriptors');
    this.#short = short;
  }
}
