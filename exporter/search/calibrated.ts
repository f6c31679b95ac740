import type { Dataset } from '../../calibration/dataset.ts';
import type { RangeMethodName } from '../../calibration/ranges/methods.ts';
import type { CalibrationTable } from '../../calibration/table.ts';
import { type Layer, layersOf } from '../../compression/layers.ts';
import { MatrixProducts } from '../../compression/linear-algebra/products.ts';
import { collectMoments } from '../../compression/rounding/collect.ts';
import type { InputMoments, InputVariances } from '../../compression/rounding/moments.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { StageLog } from '../../core/run/stage-log.ts';
import type { DetectorHead } from '../../inference/heads/head.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import type { CompressionPlan } from '../plan/plan.ts';
import { type DecidedWeights, decideWeights } from '../quantize/choose-weights.ts';
import { floatLayers, type Precision, type Precisions } from '../quantize/precision.ts';
import { type QuantizeInput, quantizeModel, valuesToCalibrate } from '../quantize/quantize-model.ts';
import { momentsOfChannels, type Watched, watch } from './activation-statistics.ts';
import { decidingOf } from './choose-ranges.ts';
import { meanBits, priceOfBits } from './price-of-bits.ts';

interface CalibratedOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  readonly head?: DetectorHead | undefined;
  readonly indices: readonly number[];
  readonly threads: number;
  readonly plan: Pick<CompressionPlan, 'seed' | 'range' | 'ranges' | 'rounding' | 'bitsPerWeight'>;
  /** Largest code of the target. */
  readonly limit: number;
  readonly table?: CalibrationTable | undefined;
  /** Codebooks of a layer, by its name. */
  readonly groups: ReadonlyMap<string, number>;
  /** Whether each layer is only ever asked for at one width: its moments are let go of then. @default false */
  readonly onePrecision?: boolean | undefined;
}

/** What a quantized model is made with: the rest was measured. */
export interface Choice {
  readonly precisions: Precisions;
  readonly method: RangeMethodName;
  /** Of single values that differ. */
  readonly methods?: Readonly<Record<string, RangeMethodName>>;
  /** In place of those decided with the weights, by layer. */
  readonly biases?: ReadonlyMap<string, Float32Array> | undefined;
  /** Layers left in float besides those of that width. */
  readonly float?: ReadonlySet<string>;
}

/** What `quantizeModel` is given. */
export interface QuantizationChoices extends QuantizeInput {
  readonly weights: ReadonlyMap<string, DecidedWeights>;
}

/**
 * A float model with everything measured on calibration images that quantizing it takes. Weights are decided once for each
 * layer and width, whatever is tried with them.
 */
export class Calibrated {
  readonly model: Model;
  readonly layers: readonly Layer[];
  readonly watched: Watched;
  readonly #options: CalibratedOptions;
  readonly #moments: Map<string, InputMoments | InputVariances>;
  readonly #decided = new Map<string, DecidedWeights>();
  /** What a bit of the codes is worth in every layer; undefined until it is known. */
  #lambda: number | undefined;

  private constructor(
    model: Model,
    watched: Watched,
    moments: ReadonlyMap<string, InputMoments | InputVariances>,
    options: CalibratedOptions,
  ) {
    this.model = model;
    this.layers = layersOf(model.graph);
    this.watched = watched;
    this.#moments = new Map(moments);
    this.#options = options;
  }

  /** @throws {WaysideError} what `observe` and `collectMoments` throw */
  static async measure(
    model: Model,
    train: Dataset,
    options: CalibratedOptions,
    stages: StageLog,
  ): Promise<Calibrated> {
    const { plan, indices } = options;
    const answered = plan.range === 'auto' ? decidingOf(indices) : [];
    const layers = layersOf(model.graph);
    const watched = await stages.run('calibrate', () =>
      watch(model, train, plan, { ...options, answered, values: valuesToCalibrate(model) }),
    );
    const moments = await stages.run(
      'measure layer inputs',
      async () =>
        (plan.rounding === 'nearest' ? momentsOfChannels(layers, watched) : undefined) ??
        (await collectMoments(model, layers, train, { ...options, seed: plan.seed })),
    );
    return new Calibrated(model, watched, moments, options);
  }

  /** Weights of every layer that is not in float at these widths. */
  async weights(
    precisions: Precisions,
    float: ReadonlySet<string> = floatLayers(precisions),
  ): Promise<ReadonlyMap<string, DecidedWeights>> {
    const { plan } = this.#options;
    const products = new MatrixProducts();
    try {
      this.#lambda ??= await priceOfBits(plan.bitsPerWeight, async (lambda) => {
        this.#decided.clear(); // the last look is the one that is taken, as a rule
        return meanBits((await this.#weightsAt(lambda, precisions, float, products)).values());
      });
      return await this.#weightsAt(this.#lambda, precisions, float, products);
    } finally {
      await products.close();
    }
  }

  async #weightsAt(
    lambda: number,
    precisions: Precisions,
    float: ReadonlySet<string>,
    products: MatrixProducts,
  ): Promise<Map<string, DecidedWeights>> {
    const { signal, onProgress } = this.#options;
    const found = new Map<string, DecidedWeights>();
    for (const layer of this.layers) {
      signal?.throwIfAborted();
      const { name } = layer.node;
      const width = precisions.get(name) ?? 'int8';
      if (width === 'float' || float.has(name) || found.has(name)) continue;
      found.set(name, await this.#weightsOf(layer, width, lambda, products));
      onProgress?.({ stage: 'deciding weights', done: found.size, total: this.layers.length });
      await new Promise(setImmediate); // lets an interrupt be heard between layers
    }
    return found;
  }

  /** @throws {WaysideError} CLUSTER_INVALID; CALIBRATION_* for ranges that cannot be used */
  async quantized(choice: Choice): Promise<Model> {
    return quantizeModel(this.model, await this.chosen(choice));
  }

  /** All that quantizing takes. */
  async chosen({ precisions, method, methods, biases, float = new Set() }: Choice): Promise<QuantizationChoices> {
    const kept = new Set([...float, ...floatLayers(precisions)]);
    const decided = await this.weights(precisions, kept);
    const weights = biases === undefined ? decided : withBiases(decided, biases);
    return { ranges: this.watched.ranges(method, methods), weights, float: kept };
  }

  async #weightsOf(
    layer: Layer,
    width: Exclude<Precision, 'float'>,
    lambda: number,
    products: MatrixProducts,
  ): Promise<DecidedWeights> {
    const { name } = layer.node;
    const key = `${name} ${width} ${lambda}`;
    const decided = this.#decided.get(key) ?? (await this.#decide(layer, width, lambda, products));
    this.#decided.set(key, decided);
    if (this.#options.onePrecision === true && this.#lambda !== undefined) this.#moments.delete(name);
    return decided;
  }

  #decide(
    layer: Layer,
    width: Exclude<Precision, 'float'>,
    lambda: number,
    products: MatrixProducts,
  ): Promise<DecidedWeights> {
    const { name } = layer.node;
    const { limit, groups, signal } = this.#options;
    const clusters = width === 'int8' ? undefined : width;
    const options = { limit, clusters, groups: groups.get(name), lambda };
    return decideWeights(layer, this.#moments.get(name)!, options, products, signal);
  }
}

const withBiases = (weights: ReadonlyMap<string, DecidedWeights>, biases: ReadonlyMap<string, Float32Array>) =>
  new Map([...weights].map(([name, each]) => [name, { ...each, bias: biases.get(name) ?? each.bias }]));
