import type { Body } from '../../contract/messenger.ts';
import type { Log } from '../../core/log.ts';
import { stateOf } from '../state.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature } from './feature.ts';

/** Says whether the box does all it should, and why not. */
export class StateReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;
  readonly #log: Log;
  #published = '';

  constructor(daemon: DaemonView, uplink: Uplink, log: Log) {
    this.#daemon = daemon;
    this.#uplink = uplink;
    this.#log = log;
  }

  start(signal: AbortSignal): void {
    this.#publish();
    this.#daemon.on('changed', () => this.#look(), signal);
    this.#daemon.on('camera', () => this.#look(), signal);
    this.#daemon.on('tick', () => this.#look(), signal);
    this.#daemon.on('moved', () => this.#publish(), signal);
    this.#daemon.on('leaving', (why) => this.#goodbye(why), signal);
  }

  /** Publishes the state if it changed. */
  #look(): void {
    if (this.#daemon.present.draining) return;
    const state = this.#state();
    const text = JSON.stringify(state);
    if (text === this.#published) return;
    this.#published = text;
    this.#log.info(state, 'state');
    this.#publish();
    this.#daemon.emit('state', state.reasons);
  }

  #publish(): void {
    this.#uplink.retain('state', () => ({ ...this.#state(), bootId: this.#uplink.bootId }));
  }

  #goodbye(message: string): void {
    const body: Body<'state'> = {
      state: 'offline',
      reasons: [{ code: 'stopped', message }],
      bootId: this.#uplink.bootId,
    };
    this.#uplink.retain('state', () => body);
  }

  #state(): ReturnType<typeof stateOf> {
    const { cameras, inference, model, modelRefused, modelFallback, configurationRefused, short, loaded } =
      this.#daemon.present;
    const counting = cameras.filter(({ config }) => config.lines.length + config.zones.length > 0);
    const withoutProposals = counting.filter(({ motionPlaces }) => motionPlaces === undefined).map(({ id }) => id);
    const kept = this.#uplink.journal() !== undefined;
    const { refusedTopics, unstable } = this.#uplink.status();
    return stateOf({
      short,
      counting: counting.length === 0 ? undefined : { withoutProposals, kept, model },
      demonstration: model?.purpose === 'demonstration' && !loaded.config.demonstration ? model.model.name : undefined,
      journalFailing: this.#uplink.journal()?.failing,
      broker: { refusedTopics, unstable, other: this.#uplink.other() },
      cameras: cameras.map(({ camera }) => camera.status()),
      inference,
      modelRefused,
      modelFallback,
      configurationRefused,
    });
  }
}
