import { WaysideError } from '../core/errors.ts';
import { checkModel } from './check.ts';
import type { Attributes, Model, Node, Shape, ValueInfo } from './graph.ts';
import { NameGiver } from './names.ts';
import type { Tensor } from './tensor.ts';
import type { DataType } from './types.ts';

export interface NodeOptions {
  /** Names of the outputs. @default one, named after the node */
  readonly outputs?: readonly string[];
  /** @default the operator and a number: `Conv_3` */
  readonly name?: string;
  /** @default the ONNX domain */
  readonly domain?: string;
}

/**
 * Builds a model step by step, in the order in which its nodes run.
 *
 * @example
 * const builder = new GraphBuilder('classifier');
 * const image = builder.input('image', 'float32', ['N', 3, 32, 32]);
 * const weight = builder.constant('weight', float32Tensor([16, 3, 3, 3], values));
 * const [sum] = builder.node('Conv', [image, weight], { pads: ints([1, 1, 1, 1]) });
 * builder.output(sum, 'float32', ['N', 16, 32, 32]);
 * const model = builder.build({ opset: 13, irVersion: 8 });
 */
export class GraphBuilder {
  readonly #name: string;
  readonly #values = new NameGiver();
  readonly #nodeNames = new NameGiver();
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #initializers = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];

  constructor(name = 'graph') {
    this.#name = name;
  }

  /** Declares what a caller feeds. @throws {WaysideError} MODEL_INVALID when the name is taken */
  input(name: string, dtype: DataType, shape: Shape | null): string {
    this.#claim(name);
    this.#inputs.push({ name, dtype, shape });
    return name;
  }

  /** Adds an initializer and returns its name: the wanted one, or that with a number if it is taken. */
  constant(name: string, tensor: Tensor): string {
    const given = this.#values.give(name);
    this.#initializers.set(given, tensor);
    return given;
  }

  /** Adds a node and returns the names of its outputs. @throws {WaysideError} MODEL_INVALID when one is taken */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    { outputs, name, domain = '' }: NodeOptions = {},
  ): [string, ...string[]] {
    const nodeName = this.#nodeNames.give(name ?? opType);
    const [first = this.#values.give(`${nodeName}_out`), ...others] = outputs ?? [];
    for (const output of outputs ?? []) if (output !== '') this.#claim(output);
    this.#nodes.push({ name: nodeName, opType, domain, inputs, outputs: [first, ...others], attributes });
    return [first, ...others];
  }

  /** Declares a result of the model. */
  output(name: string, dtype: DataType, shape: Shape | null): void {
    this.#outputs.push({ name, dtype, shape });
  }

  /** @throws {WaysideError} MODEL_INVALID when what was built is no valid model */
  build({ opset, irVersion, domains = {} }: BuildOptions): Model {
    const model: Model = {
      irVersion,
      opsets: new Map([['', opset], ...Object.entries(domains)]),
      producerName: 'wayside',
      producerVersion: '',
      metadata: new Map(),
      graph: {
        name: this.#name,
        inputs: [...this.#inputs],
        outputs: [...this.#outputs],
        initializers: new Map(this.#initializers),
        nodes: [...this.#nodes],
        valueInfo: new Map(),
      },
    };
    checkModel(model);
    return model;
  }

  #claim(name: string): void {
    if (this.#values.has(name)) {
      throw new WaysideError('MODEL_INVALID', { message: `the name ${JSON.stringify(name)} is taken` });
    }
    this.#values.give(name);
  }
}

export interface BuildOptions {
  readonly opset: number;
  readonly irVersion: number;
  /** Versions of other operator sets, by domain. */
  readonly domains?: Readonly<Record<string, number>>;
}
