import type { Graph } from './graph.ts';
import { allGraphs, valuesCapturedBy } from './topology.ts';

/** Gives names that no one has yet: the wanted one, else the wanted one with the first free number. */
export class NameGiver {
  readonly #taken: Set<string>;
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  give(wanted: string): string {
    let name = wanted;
    for (let n = this.#next.get(wanted) ?? 1; name === '' || this.#taken.has(name); n++) {
      name = `${wanted}_${n}`;
      this.#next.set(wanted, n + 1);
    }
    this.#taken.add(name);
    return name;
  }

  has(name: string): boolean {
    return this.#taken.has(name);
  }
}

/** How a builder names what it makes. No two values and no two nodes of a graph have one name. */
export interface Naming {
  /** A name for a value: the wanted one, or one near it. */
  value(wanted: string): string;
  /** For a value that nobody has a name for. */
  unnamed(): string;
  /** For a node, by its operator or the name wanted for it. */
  node(wanted: string): string;
  /** For an output of a node. */
  output(node: string): string;
  /** Takes a name for a value as it is. @returns whether it was free */
  claim(name: string): boolean;
}

/** Names for people: `Conv_3`, and `Conv_3_out` for what it makes. Nodes and values may have names in common. */
export function readableNames(values: Iterable<string> = [], nodes: Iterable<string> = []): Naming {
  const [ofValues, ofNodes] = [new NameGiver(values), new NameGiver(nodes)];
  return {
    value: (wanted) => ofValues.give(wanted),
    unnamed: () => ofValues.give('value'),
    node: (wanted) => ofNodes.give(wanted),
    output: (node) => ofValues.give(`${node}_out`),
    claim: (name) => !ofValues.has(name) && ofValues.give(name) === name,
  };
}

/** Names that tell what was added from what was there: operators with a suffix, in one space with values. */
export function suffixedNames(
  taken: Iterable<string>,
  suffix: { readonly node: string; readonly output: string; readonly constant: string },
): Naming {
  const names = new NameGiver(taken);
  return {
    value: (wanted) => names.give(wanted),
    unnamed: () => names.give(suffix.constant),
    node: (wanted) => names.give(`${wanted}${suffix.node}`),
    output: (node) => (suffix.output === '' ? node : names.give(`${node}${suffix.output}`)),
    claim: (name) => !names.has(name) && names.give(name) === name,
  };
}

/**
 * The shortest names there are: a quantized ResNet56 has some 1,500 values, and with its original names their bytes would be a
 * tenth of the clustered file.
 *
 * @param kept names that values keep, whoever makes them, and names of nodes that are copied
 */
export function shortNames(kept: { readonly values: Iterable<string>; readonly nodes: Iterable<string> }): Naming {
  const [values, nodes] = [new NameGiver(kept.values), new NameGiver(kept.nodes)];
  const claimable = new Set(kept.values);
  const counter = (names: NameGiver): (() => string) => {
    let last = 0;
    return () => {
      let name: string;
      do name = (last++).toString(36);
      while (names.has(name));
      return names.give(name);
    };
  };
  const [value, node] = [counter(values), counter(nodes)];
  return {
    value: (wanted) => values.give(wanted),
    unnamed: value,
    node,
    output: value,
    claim: (name) => claimable.delete(name) || (!values.has(name) && values.give(name) === name),
  };
}

/** Short names for a graph that is written anew: what callers and subgraphs know keeps its name, and so do nodes. */
export const rewrittenNames = (graph: Graph): Naming =>
  shortNames({
    values: [...[...graph.inputs, ...graph.outputs].map(({ name }) => name), ...subgraphNames(graph)],
    nodes: graph.nodes.map(({ name }) => name),
  });

/** Every name of a value in the graph and its subgraphs: a new one must not hide, nor be hidden by, one of theirs. */
export const valueNames = (graph: Graph): ReadonlySet<string> => namesIn(allGraphs(graph));

/** Names that subgraphs use, for their own values and for what they read from around them. */
const subgraphNames = (graph: Graph): ReadonlySet<string> =>
  new Set([...namesIn(allGraphs(graph).slice(1)), ...graph.nodes.flatMap((node) => [...valuesCapturedBy(node)])]);

function namesIn(graphs: readonly Graph[]): Set<string> {
  const names = new Set<string>();
  for (const { initializers, inputs, nodes } of graphs) {
    for (const name of initializers.keys()) names.add(name);
    for (const { name } of inputs) names.add(name);
    for (const { outputs } of nodes) for (const output of outputs) names.add(output);
  }
  return names;
}
