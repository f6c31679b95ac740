import { WaysideError } from '../../../core/errors.ts';
import { floatsOf, floatTensor, openSession, type RunTensor } from '../../../inference/session.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Graph, Model, Node } from '../../../onnx/graph.ts';
import { valuesRead } from '../../../onnx/topology.ts';

/** One value of the graph for all pictures: `[pictures, ...dims]`. */
export interface Activation {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

export interface WalkOptions {
  /** Pictures a run; must divide their number where the model fixes it. */
  readonly batch: number;
  readonly threads?: number;
}

/**
 * Runs a graph piece by piece over many pictures, so that weights can be changed between the pieces. It holds only the
 * values that later nodes still read: one pass over the network in all, whatever the number of pieces.
 */
export class Walk {
  readonly #live = new Map<string, Activation>();
  readonly #pictures: number;
  readonly #options: WalkOptions;
  #done = 0;

  /** @param pictures `[count, 3, H, W]`, preprocessed */
  constructor(input: string, pictures: Activation, count: number, options: WalkOptions) {
    this.#live.set(input, pictures);
    this.#pictures = count;
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

  has(name: string): boolean {
    return this.#live.has(name);
  }

  /** Runs the nodes before position `until` that have not run yet, with the weights that `model` has now. */
  async advance(model: Model, until: number, signal?: AbortSignal): Promise<void> {
    const nodes = model.graph.nodes.slice(this.#done, until);
    const ahead = readBy(model.graph.nodes.slice(until));
    for (const { name } of model.graph.outputs) ahead.add(name);
    if (nodes.length > 0) await this.#run(model, nodes, ahead, signal);
    for (const name of [...this.#live.keys()]) if (!ahead.has(name)) this.#live.delete(name);
    this.#done = until;
  }

  async #run(model: Model, nodes: readonly Node[], ahead: ReadonlySet<string>, signal?: AbortSignal): Promise<void> {
    const read = readBy(nodes);
    const inputs = [...this.#live.keys()].filter((name) => read.has(name));
    const outputs = nodes.flatMap((node) => node.outputs.filter((name) => ahead.has(name)));
    if (outputs.length === 0) return;
    const { threads = 1, batch } = this.#options;
    const graph = piece(model.graph, nodes, outputs, inputs, (name) => this.value(name).dims);
    const session = await openSession(encodeModel({ ...model, graph }), { threads, config: SILENT });
    try {
      for (let from = 0; from < this.#pictures; from += batch) {
        signal?.throwIfAborted();
        const count = Math.min(batch, this.#pictures - from);
        const feeds = Object.fromEntries(inputs.map((name) => [name, this.#rows(name, from, count)]));
        const results = await session.run(feeds, { outputs });
        for (const name of outputs) this.#keep(name, floatsOf(results, name), results[name]!.dims, from, count);
      }
    } finally {
      await session.close();
    }
  }

  #rows(name: string, from: number, count: number): RunTensor {
    const { dims, data } = this.value(name);
    const length = data.length / this.#pictures;
    return floatTensor(data.subarray(from * length, (from + count) * length), [count, ...dims]);
  }

  #keep(name: string, values: Float32Array, dims: readonly number[], from: number, count: number): void {
    if (dims[0] !== count) {
      throw new WaysideError('MODEL_UNSUPPORTED', { message: `${name} does not hold one entry a picture` });
    }
    const length = values.length / count;
    const known = this.#live.get(name) ?? {
      dims: dims.slice(1),
      data: new Float32Array(length * this.#pictures),
    };
    known.data.set(values, from * length);
    this.#live.set(name, known);
  }
}

/** Waiting threads would take the cores of whatever else runs. */
const SILENT = { 'session.intra_op.allow_spinning': '0' };

const readBy = (nodes: readonly Node[]): Set<string> => new Set(nodes.flatMap((node) => [...valuesRead(node)]));

function piece(
  graph: Graph,
  nodes: readonly Node[],
  outputs: readonly string[],
  inputs: readonly string[],
  dims: (name: string) => readonly number[],
): Graph {
  const read = readBy(nodes);
  return {
    name: graph.name,
    nodes,
    inputs: inputs.map((name) => ({ name, dtype: 'float32', shape: ['N', ...dims(name)] })),
    outputs: outputs.map((name) => ({ name, dtype: 'float32', shape: null })),
    initializers: new Map([...graph.initializers].filter(([name]) => read.has(name))),
    valueInfo: new Map(),
  };
}
