import { WaysideError } from '../../core/errors.ts';
import type { Graph, Node } from '../../onnx/graph.ts';
import type { Range } from './range.ts';
import type { Roles } from './roles.ts';
import { type SigmoidInput, sigmoidBounds, sigmoidInputs } from './sigmoid-bounds.ts';

/** x = scale * (q - zeroPoint), q from 0 to 255. */
export interface ActivationScale {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Its product with a weight's scale must be a normal float32, 1.2e-38 at least. */
const LEAST_SCALE = 1e-25;

/**
 * Asymmetric uint8 over a range, which is widened to hold 0: padding and Relu need 0 to be exact.
 *
 * @throws {WaysideError} CALIBRATION_INVALID for a range that is not finite or upside down
 */
export function activationScale({ min, max }: Range): ActivationScale {
  if (!Number.isFinite(min) || !Number.isFinite(max) || min > max) {
    throw new WaysideError('CALIBRATION_INVALID', { message: `the range ${min} to ${max} cannot be quantized` });
  }
  const low = Math.min(min, 0);
  const high = Math.max(max, 0);
  // A value that was 0 on every sample still needs a positive scale; float32 must hold it and its product with a weight's.
  const scale = Math.fround(high > low ? Math.max((high - low) / 255, LEAST_SCALE) : 1e-8);
  return { scale, zeroPoint: Math.min(255, Math.max(0, Math.round(-low / scale))) };
}

/** Values that must share one scale, because integer operators hand their bytes on: union-find over names. */
class ScaleClasses {
  readonly #parent = new Map<string, string>();

  find(value: string): string {
    const parent = this.#parent.get(value);
    if (parent === undefined || parent === value) return value;
    const root = this.find(parent);
    this.#parent.set(value, root);
    return root;
  }

  unite(a: string, b: string): void {
    const [rootA, rootB] = [this.find(a), this.find(b)];
    if (rootA !== rootB) this.#parent.set(rootB, rootA);
  }
}

export interface ScalePlan {
  /** Every value that is quantized somewhere: what calibration must cover. */
  readonly values: readonly string[];
  /** The values that share a scale with this one, itself included. */
  classOf(value: string): readonly string[];
  /** @throws {WaysideError} CALIBRATION_MISMATCH when a range is missing */
  scales(ranges: ReadonlyMap<string, Range>): ReadonlyMap<string, ActivationScale>;
}

/** Which values are quantized, and which of them together. */
export function planScales(graph: Graph, roles: Roles): ScalePlan {
  const classes = new ScaleClasses();
  const values = new Set<string>();
  for (const node of graph.nodes) {
    const role = roles.of(node);
    if (role.kind === 'float' || role.kind === 'absorbed') continue;
    const inputs = dataInputs(node, role.kind);
    for (const input of inputs) values.add(input);
    if (role.kind !== 'integer' && !role.quantizedOutput) continue;
    const outputs = role.kind === 'integer' ? node.outputs : [roles.outputAfterAbsorption(node)];
    for (const output of outputs) {
      if (output === '') continue;
      values.add(output);
      if (role.kind === 'integer') for (const input of inputs) classes.unite(output, input);
    }
  }
  const members = new Map<string, string[]>();
  for (const value of values) {
    const root = classes.find(value);
    members.set(root, [...(members.get(root) ?? []), value]);
  }
  const gates = sigmoidInputs(graph, roles);
  const classOf = (value: string): readonly string[] => members.get(classes.find(value)) ?? [value];
  return {
    values: [...values],
    classOf,
    scales(ranges) {
      const scales = new Map<string, ActivationScale>();
      const seen = withoutUnseen(ranges, gates);
      for (const group of members.values()) {
        const scale = activationScale(unionOf(group, seen, roles));
        for (const value of group) scales.set(value, scale);
      }
      return scales;
    },
  };
}

/** The inputs of a node that are activations: all of a sum or a concatenation, the first of anything else. */
export function dataInputs(node: Node, kind: 'layer' | 'integer' | 'requantized'): readonly string[] {
  return kind === 'requantized' || node.opType === 'Concat' ? node.inputs : node.inputs.slice(0, 1);
}

/** Ranges of what Sigmoids read, cut to what their codes can tell apart. */
function withoutUnseen(ranges: ReadonlyMap<string, Range>, gates: readonly SigmoidInput[]): ReadonlyMap<string, Range> {
  const seen = new Map(ranges);
  for (const { value, sigmoid, multiplied } of gates) {
    const range = ranges.get(value);
    const given = ranges.get(sigmoid);
    if (range === undefined || given === undefined) continue;
    const bounds = sigmoidBounds(given.max, multiplied);
    const within = (end: number): number => Math.min(Math.max(end, bounds.min), bounds.max);
    seen.set(value, { min: within(range.min), max: within(range.max) });
  }
  return seen;
}

function unionOf(group: readonly string[], ranges: ReadonlyMap<string, Range>, roles: Roles): Range {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of group) {
    const range = ranges.get(value);
    if (range === undefined) {
      throw new WaysideError('CALIBRATION_MISMATCH', {
        message: `the calibration table has no range for ${value}`,
        hint: 'it was made for another model: calibrate this one',
      });
    }
    const ceiling = roles.ceilingOf(value) ?? Number.POSITIVE_INFINITY;
    min = Math.min(min, range.min);
    max = Math.max(max, Math.min(range.max, ceiling));
  }
  return { min, max };
}
