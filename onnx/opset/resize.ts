import { floatsAttribute, string, stringAttribute } from '../attributes.ts';
import { asFloat32, float32Tensor } from '../tensor.ts';
import { notConvertible, type OpsetRule, withInput, withoutAttributes } from './rule.ts';

/** Upsample-9: the scales are an input. */
const upsampleScales: OpsetRule = {
  opType: 'Upsample',
  since: 9,
  convert(node, context) {
    const scales = floatsAttribute(node, 'scales', undefined);
    if (scales === undefined) throw notConvertible(node, 9, 'it has no scales');
    const input = context.build.constant(
      `${node.name}_scales`,
      float32Tensor([scales.length], Float32Array.from(scales)),
    );
    return [
      { ...node, inputs: withInput(node.inputs, 1, input), attributes: withoutAttributes(node.attributes, 'scales') },
    ];
  },
};

/** Version 10 renamed Upsample to Resize, which may also shrink. */
const upsampleIsResize: OpsetRule = {
  opType: 'Upsample',
  since: 10,
  convert: (node) => [{ ...node, opType: 'Resize' }],
};

/**
 * Resize-10 mapped coordinates by x / scale and took the pixel below; Resize-11 wants both said. Shrinking with the
 * nearest pixel is left out: version 10 did not define its rounding, and ONNX Runtime rounds up there.
 */
const resizeCoordinates: OpsetRule = {
  opType: 'Resize',
  since: 11,
  convert(node, context) {
    const [x = '', scales = ''] = node.inputs;
    const mode = stringAttribute(node, 'mode', 'nearest');
    const constant = context.constantOf(scales);
    if (mode === 'nearest' && (constant?.dtype !== 'float32' || asFloat32(constant).some((scale) => scale < 1))) {
      throw notConvertible(node, 11, 'it may shrink with the nearest pixel, whose rounding operator set 10 left open');
    }
    const attributes = {
      ...node.attributes,
      coordinate_transformation_mode: string('asymmetric'),
      ...(mode === 'nearest' ? { nearest_mode: string('floor') } : {}),
    };
    return [{ ...node, inputs: [x, '', scales], attributes }];
  },
};

/** Resize-13 dropped one coordinate mode. */
const resizeModes: OpsetRule = {
  opType: 'Resize',
  since: 13,
  convert(node) {
    if (stringAttribute(node, 'coordinate_transformation_mode', '') === 'tf_half_pixel_for_nn') {
      throw notConvertible(node, 13, 'tf_half_pixel_for_nn is gone');
    }
    return [node];
  },
};

export const RESIZE_RULES: readonly OpsetRule[] = [upsampleScales, upsampleIsResize, resizeCoordinates, resizeModes];
