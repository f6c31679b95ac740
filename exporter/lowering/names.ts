import type { Graph, Node } from '../../onnx/graph.ts';
import { NameGiver } from '../../onnx/names.ts';
import { int64Tensor, type Tensor } from '../../onnx/tensor.ts';
import { valueNames } from '../passes/rewrite.ts';

/** Names and constants for the nodes that a pass puts around one of the file's. */
export class Additions {
  readonly initializers: Map<string, Tensor>;
  readonly #values: NameGiver;
  readonly #nodes: NameGiver;

  constructor(graph: Graph) {
    this.initializers = new Map(graph.initializers);
    this.#values = new NameGiver(valueNames(graph));
    this.#nodes = new NameGiver(graph.nodes.map(({ name }) => name));
  }

  value(wanted: string): string {
    return this.#values.give(wanted);
  }

  constant(wanted: string, tensor: Tensor): string {
    const name = this.value(wanted);
    this.initializers.set(name, tensor);
    return name;
  }

  integers(wanted: string, values: readonly number[]): string {
    return this.constant(wanted, int64Tensor([values.length], values));
  }

  node(opType: string, inputs: readonly string[], output: string, attributes: Node['attributes'] = {}): Node {
    return { name: this.#nodes.give(output), opType, domain: '', inputs, outputs: [output], attributes };
  }
}
