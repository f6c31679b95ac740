import { WaysideError } from '../core/errors.ts';
import { checkModel } from './check.ts';
import type { Attributes, Graph, Model, Node, Shape, ValueInfo } from './graph.ts';
import { type Naming, readableNames, valueNames } from './names.ts';
import { float32Scalar, int64Vector, type Tensor } from './tensor.ts';
import type { DataType } from './types.ts';

interface NodeOptions {
  /** Names of the outputs. @default one, named after the node */
  readonly outputs?: readonly string[];
  /** How many outputs it has, where they are not named. @default 1 */
  readonly count?: number;
  /** @default the operator and a number: `Conv_3` */
  readonly name?: string;
  /** @default the ONNX domain */
  readonly domain?: string;
}

interface GraphBuilderOptions {
  /** @default readable names */
  readonly naming?: Naming;
  /** What is there already. */
  readonly nodes?: readonly Node[];
  readonly initializers?: ReadonlyMap<string, Tensor>;
}

/** Constants above this size are not compared: they cannot be equal by accident. */
const SHARED_BYTES = 4096;

/**
 * Makes nodes and constants and names them: of a new model, step by step in the order in which its nodes run, or of what a rewrite
 * adds to a graph (`GraphBuilder.over`).
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
  readonly nodes: Node[];
  readonly initializers: Map<string, Tensor>;
  readonly #name: string;
  readonly #naming: Naming;
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #shared = new Map<string, string>();
  /** Names given for values that are made later. */
  readonly #promised = new Set<string>();

  constructor(name = 'graph', { naming = readableNames(), nodes = [], initializers }: GraphBuilderOptions = {}) {
    this.#name = name;
    this.#naming = naming;
    this.nodes = [...nodes];
    this.initializers = new Map(initializers);
  }

  /** For a rewrite of a graph: its constants are there, its names are taken, and the rewrite puts the nodes where they belong. */
  static over(graph: Graph): GraphBuilder {
    const nodeNames = graph.nodes.map(({ name }) => name);
    const { name, initializers } = graph;
    return new GraphBuilder(name, { naming: readableNames(valueNames(graph), nodeNames), initializers });
  }

  /** Declares what a caller feeds. @throws {WaysideError} MODEL_INVALID when the name is taken */
  input(name: string, dtype: DataType, shape: Shape | null): string {
    this.#claim(name);
    this.#inputs.push({ name, dtype, shape });
    return name;
  }

  /** A name for a value that is made later, or elsewhere: the wanted one, or that with a number if it is taken. */
  value(wanted?: string): string {
    const given = wanted === undefined ? this.#naming.unnamed() : this.#naming.value(wanted);
    this.#promised.add(given);
    return given;
  }

  /** A name for a node that is made elsewhere. */
  nodeName(wanted: string): string {
    return this.#naming.node(wanted);
  }

  /** Adds an initializer and returns its name: the wanted one, or that with a number if it is taken. */
  constant(wanted: string, tensor: Tensor): string {
    const given = this.#naming.value(wanted);
    this.initializers.set(given, tensor);
    return given;
  }

  /** Adds a constant that needs no name of its own (a scale, a shape); equal ones are stored once. */
  shared(tensor: Tensor): string {
    const { dtype, dims, bytes } = tensor;
    const key = bytes.length <= SHARED_BYTES ? `${dtype}:${dims}:${Buffer.from(bytes).toString('latin1')}` : undefined;
    const known = key === undefined ? undefined : this.#shared.get(key);
    if (known !== undefined) return known;
    const given = this.#naming.unnamed();
    this.initializers.set(given, tensor);
    if (key !== undefined) this.#shared.set(key, given);
    return given;
  }

  /** Axes or a shape. */
  ints(values: readonly number[]): string {
    return this.shared(int64Vector(values));
  }

  scalar(value: number): string {
    return this.shared(float32Scalar(value));
  }

  /** Adds a node and returns the names of its outputs. @throws {WaysideError} MODEL_INVALID when one is taken */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    { outputs, count = 1, name, domain = '' }: NodeOptions = {},
  ): [string, ...string[]] {
    const nodeName = this.#naming.node(name ?? opType);
    for (const output of outputs ?? []) if (output !== '') this.#claim(output);
    const [first = '', ...others] = outputs ?? Array.from({ length: count }, () => this.#naming.output(nodeName));
    this.nodes.push({ name: nodeName, opType, domain, inputs, outputs: [first, ...others], attributes });
    return [first, ...others];
  }

  /** `node` of one output. */
  op(opType: string, inputs: readonly string[], attributes?: Attributes, options?: NodeOptions): string {
    return this.node(opType, inputs, attributes, options)[0];
  }

  /** A node for a rewrite to put in its place, named after the value that it makes unless another name is wanted. */
  made(
    opType: string,
    inputs: readonly string[],
    output: string,
    attributes: Attributes = {},
    { name = output, domain = '' }: Pick<NodeOptions, 'name' | 'domain'> = {},
  ): Node {
    return { name: this.#naming.node(name), opType, domain, inputs, outputs: [output], attributes };
  }

  /** Adds a node of another graph, under its name, between other values. */
  copy(node: Node, inputs: readonly string[], outputs: readonly string[]): void {
    this.nodes.push({ ...node, inputs, outputs });
  }

  reshape(value: string, dims: readonly number[]): string {
    return this.op('Reshape', [value, this.ints(dims)]);
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
        initializers: new Map(this.initializers),
        nodes: [...this.nodes],
        valueInfo: new Map(),
      },
    };
    checkModel(model);
    return model;
  }

  #claim(name: string): void {
    if (this.#promised.delete(name) || this.#naming.claim(name)) return;
    throw new WaysideError('MODEL_INVALID', { message: `the name ${JSON.stringify(name)} is taken` });
  }
}

interface BuildOptions {
  readonly opset: number;
  readonly irVersion: number;
  /** Versions of other operator sets, by domain. */
  readonly domains?: Readonly<Record<string, number>>;
}
