import { WaysideError } from '../../core/errors.ts';
import type { Node } from '../../onnx/graph.ts';
import { GRADIENT_RULES } from './rules/registry.ts';
import type { Tape } from './tape.ts';

/**
 * Reverse-mode differentiation: appends to the tape what computes the gradients of a loss with respect to some values.
 *
 * @param forward the nodes of the forward graph, in topological order
 * @param seeds the gradient of the loss with respect to some values of the forward graph, where it is known already
 * @param wanted the values whose gradients are wanted: parameters, or activations
 * @param stopGradients values taken for constants, whatever they are computed from: x + (round(x) - x) with the gradient stopped at the difference rounds
 *   forwards and is x backwards, the straight-through estimator (Bengio 2013)
 * @returns for every wanted value that the seeds depend on the value that holds its gradient
 * @throws {WaysideError} MODEL_UNSUPPORTED for an operator without a rule between a wanted value and a seed
 */
export function differentiate(
  tape: Tape,
  forward: readonly Node[],
  seeds: ReadonlyMap<string, string>,
  wanted: Iterable<string>,
  stopGradients: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, string> {
  const active = dependentOn(forward, wanted, stopGradients);
  const contributions = new Map<string, string[]>();
  for (const [value, gradient] of seeds) contributions.set(value, [gradient]);
  const settled = new Map<string, string>();
  /** The sum of everything that flowed into a value; all its readers have been passed when this is asked for. */
  const gradientOf = (value: string): string | undefined => {
    const known = settled.get(value);
    if (known !== undefined) return known;
    const [first, ...others] = contributions.get(value) ?? [];
    if (first === undefined) return undefined;
    const sum = others.reduce((total, each) => tape.op('Add', [total, each]), first);
    settled.set(value, sum);
    return sum;
  };
  for (const node of [...forward].reverse()) {
    const needs = (input: number): boolean => active.has(node.inputs[input] ?? '');
    if (!node.inputs.some((_, input) => needs(input))) continue;
    const gradients = node.outputs.map((output) => (active.has(output) ? gradientOf(output) : undefined));
    if (gradients.every((gradient) => gradient === undefined)) continue;
    const results = ruleFor(node).backward({ node, tape, gradients, needs });
    results.forEach((gradient, input) => {
      const value = node.inputs[input] ?? '';
      if (gradient === undefined || !active.has(value)) return;
      const known = contributions.get(value);
      if (known === undefined) contributions.set(value, [gradient]);
      else known.push(gradient);
    });
  }
  const result = new Map<string, string>();
  for (const value of wanted) {
    const gradient = gradientOf(value);
    if (gradient !== undefined) result.set(value, gradient);
  }
  return result;
}

/** Operator sets of a graph with gradients: a rule may use ONNX Runtime's own operators. */
export const withRuntimeOperators = (opsets: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
  new Map([...opsets, ['com.microsoft', 1]]);

/** The wanted values and everything computed from them, but for where gradients stop. */
function dependentOn(
  forward: readonly Node[],
  wanted: Iterable<string>,
  stopGradients: ReadonlySet<string>,
): ReadonlySet<string> {
  const active = new Set(wanted);
  active.delete('');
  for (const node of forward) {
    if (!node.inputs.some((input) => active.has(input))) continue;
    for (const output of node.outputs) if (!stopGradients.has(output)) active.add(output);
  }
  return active;
}

function ruleFor(node: Node): NonNullable<ReturnType<typeof GRADIENT_RULES.get>> {
  const found = node.domain === '' ? GRADIENT_RULES.get(node.opType) : undefined;
  if (found !== undefined) return found;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `no gradient rule for ${node.opType} (node ${node.name})`,
    hint: `operators with one: ${[...GRADIENT_RULES.keys()].join(', ')}`,
  });
}
