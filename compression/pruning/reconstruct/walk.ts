import { openGraph } from '../../../calibration/graph-session.ts';
import { WaysideError } from '../../../core/errors.ts';
import { floatsOf, floatTensor, type Results, type RunTensor } from '../../../inference/session.ts';
import type { Graph, Model, Node, Shape } from '../../../onnx/graph.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import { valuesRead } from '../../../onnx/topology.ts';

/** One value of the graph for all images: `[images, ...dims]`. */
export interface Activation {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface WalkOptions {
  /** Images a run at most; where the model fixes it, so many, and it must divide their number. */
  readonly batch: number;
  readonly threads?: number;
}

/** Values that are looked at on the way: those of each run, of `count` images from the image `from` on. */
interface Sight {
  readonly values: readonly string[];
  readonly visit: (results: Results, from: number, count: number) => void;
}

/**
 * Runs a graph piece by piece over many images, so that weights can be changed between the pieces. It holds only the
 * values that later nodes still read: one pass over the network in all, whatever the number of pieces.
 */
export class Walk {
  readonly #live = new Map<string, Activation>();
  /** Arrays made here. The images are not: others walk over them too. */
  readonly #own = new WeakSet<Float32Array>();
  readonly #images: number;
  readonly #options: WalkOptions;
  #done = 0;

  /** @param images `[count, 3, H, W]`, preprocessed */
  constructor(input: string, images: Activation, count: number, options: WalkOptions) {
    this.#live.set(input, images);
    this.#images = count;
    this.#options = options;
  }

  /**
   * A value that has been reached and is still read by a node ahead.
   *
   * @throws {WaysideError} MODEL_UNSUPPORTED
   */
  value(name: string): Activation {
    const found = this.#live.get(name);
    if (found !== undefined) return found;
    throw new WaysideError('MODEL_UNSUPPORTED', { message: `no activation of ${name} is at hand` });
  }

  /**
   * Runs the nodes before position `until` that have not run yet, with the weights that `model` has now. Never goes back.
   *
   * @param sight looked at in the same runs, however far behind `until` it is made
   */
  async advance(model: Model, until: number, sight?: Sight, signal?: AbortSignal): Promise<void> {
    const { nodes, outputs } = model.graph;
    const ahead = readBy(nodes.slice(until));
    for (const { name } of outputs) ahead.add(name);
    const made = nodes.slice(this.#done, until).flatMap((node) => node.outputs.filter((name) => ahead.has(name)));
    const free = [...this.#live].flatMap(([name, { data }]) => (!ahead.has(name) && this.#own.has(data) ? [data] : []));
    await this.#run(model, made, free, sight, signal);
    for (const name of [...this.#live.keys()]) if (!ahead.has(name)) this.#live.delete(name);
    this.#done = Math.max(this.#done, until);
  }

  /** @param free arrays that nobody reads after these runs, for what is kept */
  async #run(
    model: Model,
    kept: readonly string[],
    free: Float32Array[],
    sight?: Sight,
    signal?: AbortSignal,
  ): Promise<void> {
    const outputs = [...new Set([...kept, ...(sight?.values ?? [])])];
    if (outputs.length === 0) return;
    const { threads = 1 } = this.#options;
    const { graph, inputs } = piece(model.graph, outputs, this.#live);
    const fixed = typeof model.graph.inputs[0]?.shape?.[0] === 'number';
    const batch = fixed
      ? this.#options.batch
      : imagesARun({ ...model, graph }, outputs, this.#options.batch, this.#images);
    const session = await openGraph({ ...model, graph }, { threads, config: SILENT });
    try {
      for (let from = 0; from < this.#images; from += batch) {
        await new Promise(setImmediate); // a run computes on this thread
        signal?.throwIfAborted();
        const count = Math.min(batch, this.#images - from);
        const feeds = Object.fromEntries(inputs.map((name) => [name, this.#rows(name, from, count)]));
        const results = await session.run(feeds, { outputs });
        for (const name of kept) this.#keep(name, floatsOf(results, name), results[name]!.dims, { from, count, free });
        sight?.visit(results, from, count);
      }
    } finally {
      await session.close();
    }
  }

  #rows(name: string, from: number, count: number): RunTensor {
    const { dims, data } = this.value(name);
    const length = data.length / this.#images;
    return floatTensor(data.subarray(from * length, (from + count) * length), [count, ...dims]);
  }

  #keep(
    name: string,
    values: Float32Array,
    dims: readonly number[],
    { from, count, free }: { readonly from: number; readonly count: number; readonly free: Float32Array[] },
  ): void {
    if (dims[0] !== count) {
      throw new WaysideError('MODEL_UNSUPPORTED', { message: `${name} does not hold one entry an image` });
    }
    const length = values.length / count;
    const known = this.#live.get(name) ?? { dims: dims.slice(1), data: this.#array(length * this.#images, free) };
    known.data.set(values, from * length);
    this.#live.set(name, known);
  }

  /**
   * Memory for a value: that of one of the same size which goes with these runs, if there is one. Its entries for these images and those before
   * have been read, and the new ones come to lie on just them. A block of a ResNet else holds what it gets and what it gives at once.
   */
  #array(length: number, free: Float32Array[]): Float32Array {
    const at = free.findIndex((each) => each.length === length);
    const [array = new Float32Array(length)] = at < 0 ? [] : free.splice(at, 1);
    this.#own.add(array);
    return array;
  }
}

/**
 * Images a run, such that all it gives stays small: ONNX Runtime makes the values in memory of its own, keeps that until the session is closed, and
 * copies them into arrays that wait to be collected. Where targets of ResNet50 at 224x224 are gathered, runs of 9 images gave 28 values of 323 MB
 * together. Never one alone where there were more: products of a single row are summed in another order.
 */
function imagesARun(model: Model, outputs: readonly string[], batch: number, images: number): number {
  if (outputs.length === 1) return batch;
  const types = inferShapes(model);
  const bytes = outputs.reduce((sum, name) => sum + bytesOfImage(types.get(name)?.shape ?? null), 0);
  let few = Math.max(2, Math.floor(MOST_RUN_BYTES / bytes));
  while (few < batch && images % few === 1) few++;
  return Math.min(batch, few);
}

/** Of one entry of `[N, ...]`, float32; an unknown size counts as one. */
export const bytesOfImage = (shape: Shape | null): number =>
  (shape ?? []).slice(1).reduce<number>((bytes, dim) => bytes * (typeof dim === 'number' ? dim : 1), 4);

/** Of all values that a run gives. */
const MOST_RUN_BYTES = 64e6;

/** Waiting threads would take the cores of whatever else runs. */
const SILENT = { 'session.intra_op.allow_spinning': '0' };

const readBy = (nodes: readonly Node[]): Set<string> => new Set(nodes.flatMap((node) => [...valuesRead(node)]));

/** The part of a graph that makes some values of others. */
function piece(
  graph: Graph,
  outputs: readonly string[],
  known: ReadonlyMap<string, Activation>,
): { readonly graph: Graph; readonly inputs: readonly string[] } {
  const wanted = new Set(outputs);
  const nodes = graph.nodes.toReversed().filter((node) => {
    if (!node.outputs.some((output) => wanted.has(output) && !known.has(output))) return false;
    for (const value of valuesRead(node)) wanted.add(value);
    return true;
  });
  const inputs = [...known.keys()].filter((name) => wanted.has(name));
  return {
    inputs,
    graph: {
      name: graph.name,
      nodes: nodes.reverse(),
      inputs: inputs.map((name) => ({ name, dtype: 'float32', shape: ['N', ...known.get(name)!.dims] })),
      outputs: outputs.map((name) => ({ name, dtype: 'float32', shape: null })),
      initializers: new Map([...graph.initializers].filter(([name]) => wanted.has(name))),
      valueInfo: new Map(),
    },
  };
}
