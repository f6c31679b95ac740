import type { Attributes, Node } from '../../onnx/graph.ts';
import type { Tensor } from '../../onnx/tensor.ts';

/**
 * Collects the nodes and constants of a new graph under the shortest names there are: a quantized ResNet56 has some 1,500
 * values, and with its original names their bytes would be a tenth of the clustered file.
 * Equal small constants (scales, zero points, shapes) are stored once.
 */
export class GraphEmitter {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #taken: Set<string>;
  readonly #nodeNames: Set<string>;
  readonly #shared = new Map<string, string>();
  #lastName = 0;
  #lastNode = 0;

  /** @param taken names of the graph's inputs and outputs, which stay */
  constructor(taken: Iterable<string>, nodeNames: Iterable<string> = []) {
    this.#taken = new Set(taken);
    this.#nodeNames = new Set(nodeNames);
  }

  value(): string {
    let name: string;
    do name = (this.#lastName++).toString(36);
    while (this.#taken.has(name));
    return name;
  }

  /** Small constants are shared by content; large ones cannot be equal by accident and are not compared. */
  constant(tensor: Tensor): string {
    const key =
      tensor.bytes.length <= 4096
        ? `${tensor.dtype}:${tensor.dims}:${Buffer.from(tensor.bytes).toString('latin1')}`
        : '';
    const known = key === '' ? undefined : this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.value();
    this.initializers.set(name, tensor);
    if (key !== '') this.#shared.set(key, name);
    return name;
  }

  /** @returns the name of the only output */
  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, output = this.value()): string {
    this.nodes.push({ name: this.#nodeName(), opType, domain: '', inputs, outputs: [output], attributes });
    return output;
  }

  copy(node: Node, inputs: readonly string[], outputs: readonly string[]): void {
    this.nodes.push({ ...node, inputs, outputs });
  }

  #nodeName(): string {
    let name: string;
    do name = (this.#lastNode++).toString(36);
    while (this.#nodeNames.has(name));
    return name;
  }
}
