import { WaysideError } from '../core/errors.ts';
import type { Graph, Node } from './graph.ts';

/** Who makes and who reads each value of a graph. */
export interface GraphIndex {
  /** The node that makes the value; undefined for graph inputs, initializers and unknown names. */
  producer(value: string): Node | undefined;
  /** Nodes that read the value, once each and in graph order; a subgraph's reading counts as its node's. */
  consumers(value: string): readonly Node[];
  isInput(value: string): boolean;
  isOutput(value: string): boolean;
  isInitializer(value: string): boolean;
}

const NOBODY: readonly Node[] = [];

/** Index of a graph as it is now: a pass that makes a new graph makes a new index. */
export function indexGraph(graph: Graph): GraphIndex {
  const producers = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') producers.set(output, node);
    for (const value of valuesRead(node)) {
      const known = consumers.get(value);
      if (known === undefined) consumers.set(value, [node]);
      else known.push(node);
    }
  }
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  return {
    producer: (value) => producers.get(value),
    consumers: (value) => consumers.get(value) ?? NOBODY,
    isInput: (value) => inputs.has(value),
    isOutput: (value) => outputs.has(value),
    isInitializer: (value) => graph.initializers.has(value),
  };
}

/** Every value a node needs: its inputs, and what its subgraphs take from around them. */
export function valuesRead(node: Node): ReadonlySet<string> {
  const read = new Set(valuesCapturedBy(node));
  for (const input of node.inputs) if (input !== '') read.add(input);
  return read;
}

/** The graph and every subgraph of its nodes, however deep. */
export function allGraphs(graph: Graph): readonly Graph[] {
  const found: Graph[] = [graph];
  for (let i = 0; i < found.length; i++) {
    for (const { attributes } of found[i]!.nodes) {
      for (const attribute of Object.values(attributes)) if (attribute.type === 'graph') found.push(attribute.value);
    }
  }
  return found;
}

/** What the subgraphs of a node take from around them; nothing where it has none. */
export function valuesCapturedBy(node: Node): ReadonlySet<string> {
  const captured = new Set<string>();
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.type === 'graph') for (const value of valuesCaptured(attribute.value)) captured.add(value);
  }
  return captured;
}

/** The values a subgraph reads but does not make. */
export function valuesCaptured(graph: Graph): ReadonlySet<string> {
  const made = new Set<string>(graph.initializers.keys());
  for (const { name } of graph.inputs) made.add(name);
  for (const node of graph.nodes) for (const output of node.outputs) made.add(output);
  const captured = new Set<string>();
  const need = (value: string): void => {
    if (!made.has(value)) captured.add(value);
  };
  for (const node of graph.nodes) for (const value of valuesRead(node)) need(value);
  for (const { name } of graph.outputs) need(name);
  return captured;
}

/**
 * Values that may be read at some place. A subgraph's is a chain of those around it, never a copy: copies would make a
 * file of many empty subgraphs cost the square of its size.
 */
export type Scope = Pick<ReadonlySet<string>, 'has'>;

/** What is in either. */
export const joined = (inner: Scope, outer: Scope): Scope => ({ has: (name) => inner.has(name) || outer.has(name) });

/** Names that exist before the first node runs. */
export function valuesGiven(graph: Graph): Set<string> {
  return new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
}

/**
 * The nodes, each after everything it reads; nodes that are free to choose keep their order (Kahn's algorithm).
 *
 * @param known values that exist before the first node: graph inputs, initializers, values around a subgraph
 * @throws {WaysideError} MODEL_INVALID for a cycle, or a value that nobody makes
 */
export function topologicalOrder(nodes: readonly Node[], known: Scope): readonly Node[] {
  const maker = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const output of node.outputs) if (output !== '') maker.set(output, i);
  });
  const waitingFor = new Array<number>(nodes.length).fill(0);
  const readers = nodes.map((): number[] => []);
  let sorted = true;
  nodes.forEach((node, i) => {
    for (const value of valuesRead(node)) {
      const from = maker.get(value);
      if (from === undefined) {
        if (!known.has(value)) throw invalid(`node ${node.name} reads ${value}, which nothing makes`);
      } else {
        readers[from]!.push(i);
        waitingFor[i]!++;
        if (from >= i) sorted = false;
      }
    }
  });
  if (sorted) return nodes;
  const ready = new SmallestFirst();
  waitingFor.forEach((count, i) => {
    if (count === 0) ready.push(i);
  });
  const order: Node[] = [];
  for (let i = ready.pop(); i !== undefined; i = ready.pop()) {
    order.push(nodes[i]!);
    for (const reader of readers[i]!) if (--waitingFor[reader]! === 0) ready.push(reader);
  }
  if (order.length < nodes.length) {
    const stuck = nodes[waitingFor.findIndex((count) => count > 0)]!;
    throw invalid(`the graph has a cycle through node ${stuck.name}`);
  }
  return order;
}

/** Binary heap of indices: the earliest node of those that may run. */
class SmallestFirst {
  readonly #heap: number[] = [];

  push(value: number): void {
    const heap = this.#heap;
    let i = heap.push(value) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]! <= value) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = value;
  }

  pop(): number | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

const invalid = (message: string): WaysideError => new WaysideError('MODEL_INVALID', { message });
