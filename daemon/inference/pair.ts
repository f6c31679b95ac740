import type { Log } from '../../core/log.ts';
import type { InferenceOptions, Job } from './client.ts';
import type { CandidateListeners, Outcome, PairListeners } from './pair-listeners.ts';
import type { Ready, Result } from './protocol.ts';
import { InferenceService, type ServiceStatus } from './service.ts';
import { ShadowTurn } from './shadow-turn.ts';

type Service<Frame> = InferenceService<Handed<Frame>>;

interface ByService<Frame> extends Outcome {
  readonly by: Service<Frame>;
}

/** A frame that is with a process. */
interface Handed<Frame> {
  readonly job: Job;
  readonly frame: Frame;
  /** Its answer is the box's; otherwise it is only compared. */
  readonly answers: boolean;
  /** What came of it at the other model, where that had it before. */
  readonly other?: ByService<Frame>;
}

/**
 * The model that runs, and beside it a candidate on the same frames.
 *
 * Invariants:
 * - every frame is answered by one of them, one frame at a time, so that answers come in the order of the frames;
 * - the one that shadows gets a frame after the other is done with it, the latest one when it is idle: it delays nothing;
 * - a frame that the candidate takes down with it, or fails on, goes to the running model.
 */
export class ModelPair<Frame> {
  readonly #listeners: PairListeners<Frame>;
  readonly #log: Log;
  #running: Service<Frame>;
  #candidate: Service<Frame> | undefined;
  #trial: CandidateListeners<Frame> | undefined;
  #takenOver = false;
  #announced: Service<Frame> | undefined;
  readonly #leaving = new Set<Service<Frame>>();
  readonly #readies = new WeakMap<Service<Frame>, Ready>();
  /** An answer is owed. */
  #owed = false;
  /** For the running model, before any other: the candidate failed on it. */
  #again: Handed<Frame> | undefined;
  readonly #shadow = new ShadowTurn<Handed<Frame> & { readonly other: ByService<Frame> }>();

  constructor(listeners: PairListeners<Frame>, log: Log) {
    this.#listeners = listeners;
    this.#log = log;
    this.#running = this.#newService();
  }

  /** Whether the model that answers has time for a frame. */
  get idle(): boolean {
    return !this.#owed && this.#again === undefined && this.#answering.idle;
  }

  /** What the model that answers said of itself. */
  get ready(): Ready | undefined {
    return this.#readies.get(this.#answering) ?? this.#readies.get(this.#running);
  }

  /** Of the model that answers; the processes are those of all. */
  status(): ServiceStatus {
    const all = [this.#running, ...(this.#candidate === undefined ? [] : [this.#candidate]), ...this.#leaving];
    const { restarts } = this.#running.status();
    return { ...this.#answering.status(), restarts, pids: all.flatMap((service) => service.status().pids) };
  }

  /** Process of the running model and of the candidate. */
  get pids(): { readonly running: number | undefined; readonly candidate: number | undefined } {
    return { running: this.#running.pid, candidate: this.#candidate?.pid };
  }

  start(options: InferenceOptions): void {
    this.#running.start(options);
  }

  /** Of the running model: a candidate is not touched. */
  swap(options: InferenceOptions): ReturnType<InferenceService<unknown>['swap']> {
    return this.#running.swap(options);
  }

  /** Hands a frame to the model that answers. Only to be called while `idle`. */
  submit(job: Job, frame: Frame): void {
    this.#owed = true;
    this.#answering.submit(job, { job, frame, answers: true });
  }

  /** To be called about twice a second. */
  check(): void {
    for (const service of [this.#running, this.#candidate, ...this.#leaving]) service?.check();
    this.#feedShadow();
  }

  /** Loads a candidate beside the running model; once it is ready it shadows. Only to be called without one. */
  beginTrial(options: InferenceOptions, listeners: CandidateListeners<Frame>): void {
    if (this.#candidate !== undefined) throw new Error('a candidate is there already');
    this.#trial = listeners;
    this.#candidate = this.#newService();
    this.#candidate.start(options);
  }

  /** The candidate answers from the next frame on, whenever it is ready; the running model shadows it. */
  takeOver(): void {
    this.#takenOver = true;
    this.#announce();
    this.#listeners.onFree();
  }

  /** One of them goes on as the running model; the other finishes its frame and ends. */
  endTrial(stays: 'running' | 'candidate'): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    const leaves = stays === 'running' ? candidate : this.#running;
    if (stays === 'candidate') this.#running = candidate;
    this.#candidate = undefined;
    this.#trial = undefined;
    this.#takenOver = false;
    this.#letGo(this.#shadow.clear());
    this.#leaving.add(leaves);
    leaves
      .stop()
      .catch((error: unknown) => this.#log.error({ err: error }, 'ending a model'))
      .finally(() => this.#leaving.delete(leaves));
    this.#announce();
    this.#askAgain();
    this.#listeners.onFree();
  }

  /** Ends all processes, letting the frames in flight finish. */
  async stop(): Promise<void> {
    const all = [this.#running, this.#candidate, ...this.#leaving];
    this.#trial = undefined;
    await Promise.all(all.map((service) => service?.stop()));
  }

  get #answering(): Service<Frame> {
    return this.#takenOver && this.#candidate?.ready === true ? this.#candidate : this.#running;
  }

  #newService(): Service<Frame> {
    const service: Service<Frame> = new InferenceService(
      {
        onReady: (ready) => this.#readied(service, ready),
        onResult: (result, handed) => this.#outcome(service, handed, result),
        onLost: (frames, reason) => {
          for (const handed of frames) this.#outcome(service, handed, undefined, reason);
        },
        onChange: () => this.#listeners.onChange(),
        onEnd: (end, failures) => {
          if (service === this.#running) this.#listeners.onEnd(end, failures);
          else this.#trial?.onEnd(end);
          this.#announce();
        },
      },
      this.#log,
    );
    return service;
  }

  #readied(service: Service<Frame>, ready: Ready): void {
    this.#readies.set(service, ready);
    if (service === this.#running) this.#listeners.onLoaded();
    if (service === this.#candidate) this.#trial?.onReady(ready);
    if (service === this.#answering) this.#announced = undefined;
    this.#announce();
    this.#listeners.onFree();
  }

  /** Says who answers, where that changed. */
  #announce(): void {
    const answering = this.#answering;
    const ready = this.#readies.get(answering);
    if (answering === this.#announced || ready === undefined) return;
    const candidate = answering === this.#candidate;
    if (candidate || (this.#announced !== undefined && this.#candidate !== undefined))
      this.#trial?.onAnswers(candidate);
    this.#announced = answering;
    this.#listeners.onReady(ready);
  }

  #outcome(by: Service<Frame>, handed: Handed<Frame>, result: Result | undefined, reason = ''): void {
    const ready = this.#readies.get(by);
    if (ready === undefined) throw new Error('a frame was with a process that was never ready');
    const outcome = { by, ready, result };
    if (!handed.answers) this.#compared(handed, outcome);
    else if (result === undefined && by !== this.#running) this.#handOn({ ...handed, other: outcome }, reason);
    else this.#answered(handed, outcome, reason);
  }

  #answered(handed: Handed<Frame>, outcome: ByService<Frame>, reason: string): void {
    this.#owed = false;
    const { frame, other } = handed;
    const compares = other === undefined && this.#shadowOf(outcome.by) !== undefined;
    if (!compares) this.#listeners.onRead(frame);
    if (outcome.result === undefined) this.#listeners.onLost([frame], reason);
    else this.#listeners.onResult(outcome.result, frame, outcome.ready);
    if (other !== undefined) this.#compare(frame, other, outcome);
    if (compares) this.#offer({ ...handed, answers: false, other: outcome });
  }

  #compared({ frame, other }: Handed<Frame>, outcome: ByService<Frame>): void {
    this.#shadow.done(performance.now());
    this.#listeners.onRead(frame);
    if (other !== undefined) this.#compare(frame, other, outcome);
    this.#askAgain();
    this.#listeners.onFree();
    this.#feedShadow();
  }

  #compare(frame: Frame, one: ByService<Frame>, other: ByService<Frame>): void {
    const outcomes = [one, other];
    const running = outcomes.find(({ by }) => by === this.#running);
    const candidate = outcomes.find(({ by }) => by === this.#candidate);
    if (running !== undefined && candidate !== undefined) this.#trial?.onCompared({ frame, running, candidate });
  }

  /** A frame that the candidate failed on, for the running model. */
  #handOn(handed: Handed<Frame>, reason: string): void {
    this.#listeners.onHandedOn(handed.frame, reason);
    this.#owed = false;
    this.#again = handed;
    this.#askAgain();
  }

  #askAgain(): void {
    const handed = this.#again;
    if (handed === undefined) return;
    if (!this.#running.ready) {
      this.#again = undefined;
      this.#listeners.onRead(handed.frame);
      this.#listeners.onLost([handed.frame], 'neither of two models analysed it');
    } else if (this.#running.idle) {
      this.#again = undefined;
      this.#owed = true;
      this.#running.submit(handed.job, handed);
    }
  }

  #shadowOf(answering: Service<Frame>): Service<Frame> | undefined {
    if (answering === this.#running) return this.#candidate;
    return answering === this.#candidate ? this.#running : undefined;
  }

  #offer(handed: Handed<Frame> & { readonly other: ByService<Frame> }): void {
    this.#letGo(this.#shadow.offer(handed));
    this.#feedShadow();
  }

  /** A frame that the model that shadows does not get. */
  #letGo(handed: Handed<Frame> | undefined): void {
    if (handed === undefined) return;
    this.#listeners.onRead(handed.frame);
    this.#trial?.onMissed();
  }

  #feedShadow(): void {
    const { waiting } = this.#shadow;
    if (waiting === undefined || this.#again !== undefined) return;
    const shadow = this.#shadowOf(waiting.other.by);
    if (shadow?.ready !== true || shadow === this.#answering) {
      this.#letGo(this.#shadow.clear()); // it is not there, or it answers now
      return;
    }
    const handed = shadow.idle ? this.#shadow.take(performance.now(), this.#owed) : undefined;
    if (handed !== undefined) shadow.submit(handed.job, handed);
  }
}
