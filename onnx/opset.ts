import { WaysideError } from '../core/errors.ts';
import { GraphBuilder } from './build.ts';
import { NEWEST_OPSET } from './check.ts';
import type { Graph, Model, Node, ValueType } from './graph.ts';
import { BOUND_RULES } from './opset/bounds.ts';
import { LIST_RULES } from './opset/lists.ts';
import { RESIZE_RULES } from './opset/resize.ts';
import { notConvertible, type OpsetRule, type UpgradeContext } from './opset/rule.ts';
import { SOFTMAX_RULES } from './opset/softmax.ts';
import { TRAINING_RULES } from './opset/training.ts';
import { inferShapes, SHAPED_OPERATORS } from './shapes.ts';
import type { Tensor } from './tensor.ts';

const RULES: readonly OpsetRule[] = [
  ...LIST_RULES,
  ...BOUND_RULES,
  ...SOFTMAX_RULES,
  ...RESIZE_RULES,
  ...TRAINING_RULES,
];

/** Before version 7 operands were stretched by attributes of their own. */
const OLDEST_OPSET = 7;

/** IR version that ONNX was released with, by operator set from 7 on (onnx Versioning.md). */
const IR_OF_OPSET = [3, 3, 4, 5, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10, 10, 11, 12, 13, 13];

/** The IR version of the ONNX release that brought an operator set; 4 at least, which frees initializers from the inputs. */
export function irVersionFor(opset: number): number {
  return Math.max(IR_OF_OPSET[opset - OLDEST_OPSET] ?? 4, 4);
}

/**
 * The same model in a newer operator set: every operator whose form or meaning changed on the way is rewritten, one
 * rule a change (`opset/`). A model that is new enough already is returned as it is.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED for operator sets below 7, subgraphs, operators whose history is not known
 *   here, and forms with no exact successor
 */
export function upgradeOpset(model: Model, target: number): Model {
  const opset = model.opsets.get('');
  if (opset === undefined || opset >= target) return model;
  if (opset < OLDEST_OPSET || target > NEWEST_OPSET) {
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `operator set ${opset} cannot be brought to ${target}: ${OLDEST_OPSET} to ${NEWEST_OPSET} are known`,
      hint: 'export the model anew, for operator set 13 or newer',
    });
  }
  for (const node of model.graph.nodes) requireKnown(node, target);
  const upgrade = new Upgrade(model);
  for (let version = opset + 1; version <= target; version++) upgrade.step(version);
  return {
    ...model,
    irVersion: Math.max(model.irVersion, irVersionFor(target)),
    opsets: new Map(model.opsets).set('', target),
    graph: upgrade.graph(),
  };
}

function requireKnown(node: Node, target: number): void {
  if (node.domain === '' && !SHAPED_OPERATORS.has(node.opType))
    throw notConvertible(node, target, 'the history of this operator is not known');
  if (Object.values(node.attributes).some(({ type }) => type === 'graph')) {
    throw notConvertible(node, target, 'it has subgraphs');
  }
}

class Upgrade implements UpgradeContext {
  readonly #graph: Graph;
  readonly #types: ReadonlyMap<string, ValueType>;
  /** Values of Constant nodes. */
  readonly #constants = new Map<string, Tensor>();
  readonly build: GraphBuilder;
  #nodes: readonly Node[];

  constructor(model: Model) {
    const { graph } = model;
    this.#graph = graph;
    this.#types = inferShapes(model);
    this.#nodes = graph.nodes;
    for (const { opType, outputs, attributes } of graph.nodes) {
      const value = opType === 'Constant' ? attributes.value : undefined;
      if (value?.type === 'tensor' && outputs[0] !== undefined) this.#constants.set(outputs[0], value.value);
    }
    this.build = GraphBuilder.over(graph);
  }

  step(version: number): void {
    const rules = RULES.filter(({ since }) => since === version);
    this.#nodes = this.#nodes.flatMap((node) => {
      const rule = node.domain === '' ? rules.find(({ opType }) => opType === node.opType) : undefined;
      return rule === undefined ? [node] : rule.convert(node, this);
    });
  }

  graph(): Graph {
    return { ...this.#graph, initializers: this.build.initializers, nodes: this.#nodes };
  }

  type(value: string): ValueType | undefined {
    return this.#types.get(value);
  }

  constantOf(value: string): Tensor | undefined {
    return this.build.initializers.get(value) ?? this.#constants.get(value);
  }
}
