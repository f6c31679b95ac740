import { floatAttribute, intsAttribute } from '../attributes.ts';
import type { Node } from '../graph.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../tensor.ts';
import { notConvertible, type OpsetRule, type UpgradeContext, withInput, withoutAttributes } from './rule.ts';

/** A number in the element type of the node's first input. */
function scalar(node: Node, since: number, context: UpgradeContext, value: number): Tensor {
  const dtype = context.type(node.inputs[0] ?? '')?.dtype;
  if (dtype === 'float32') return float32Tensor([], new Float32Array([value]));
  if (dtype === 'float64') return { dtype, dims: [], bytes: new Uint8Array(new Float64Array([value]).buffer) };
  throw notConvertible(node, since, `its input is ${dtype ?? 'of unknown type'}`);
}

/** Clip-11: the bounds are inputs. Absent ones stay absent: no bound. */
const clip: OpsetRule = {
  opType: 'Clip',
  since: 11,
  convert(node, context) {
    const bound = (name: string): string => {
      const value = floatAttribute(node, name, undefined);
      return value === undefined
        ? ''
        : context.build.constant(`${node.name}_${name}`, scalar(node, 11, context, value));
    };
    const inputs = [node.inputs[0] ?? '', bound('min'), bound('max')];
    while (inputs.at(-1) === '') inputs.pop();
    return [{ ...node, inputs, attributes: withoutAttributes(node.attributes, 'min', 'max') }];
  },
};

/** Pad-11: the widths and the value are inputs. */
const pad: OpsetRule = {
  opType: 'Pad',
  since: 11,
  convert(node, context) {
    const pads = intsAttribute(node, 'pads', undefined);
    if (pads === undefined) throw notConvertible(node, 11, 'it has no pads');
    let inputs = withInput(
      node.inputs,
      1,
      context.build.constant(`${node.name}_pads`, int64Tensor([pads.length], pads)),
    );
    const value = floatAttribute(node, 'value', 0);
    if (value !== 0)
      inputs = withInput(inputs, 2, context.build.constant(`${node.name}_value`, scalar(node, 11, context, value)));
    return [{ ...node, inputs, attributes: withoutAttributes(node.attributes, 'pads', 'value') }];
  },
};

export const BOUND_RULES: readonly OpsetRule[] = [clip, pad];
