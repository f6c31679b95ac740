import { DurationHistogram, type Percentiles } from './quantiles.ts';

/**
 * The way of a frame: `wait` from reaching the box to being handed to the model, `preprocess` and `run` inside the
 * inference process, `publish` from the result to the MQTT client, `total` all of it with the hops between.
 */
const STAGES = ['wait', 'preprocess', 'run', 'publish', 'total'] as const;
export type Stage = (typeof STAGES)[number];

export class StageLatencies {
  readonly #histograms = new Map<Stage, DurationHistogram>(STAGES.map((stage) => [stage, new DurationHistogram()]));

  add(times: Readonly<Record<Stage, number>>): void {
    for (const stage of STAGES) this.#histograms.get(stage)?.add(times[stage]);
  }

  /** Percentiles since the last call. */
  take(): Record<Stage, Percentiles> {
    const none = { count: 0, p50: null, p95: null, p99: null };
    const of = (stage: Stage): Percentiles => this.#histograms.get(stage)?.take() ?? none;
    return {
      wait: of('wait'),
      preprocess: of('preprocess'),
      run: of('run'),
      publish: of('publish'),
      total: of('total'),
    };
  }
}
