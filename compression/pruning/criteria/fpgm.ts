import { asFloat32 } from '../../../onnx/tensor.ts';
import { visitElements, weightSlices } from '../weight-slices.ts';
import { type Importance, weightCriterion } from './criterion.ts';

/** Sum of distances to the other filters of the layer. */
const distances: Importance = (model, { channels }) => {
  const vectors = channels.map((channel) => {
    const values: number[] = [];
    for (const { tensor, slices } of weightSlices(model, channel)) {
      if (slices.axis !== 0) continue;
      const w = asFloat32(tensor);
      visitElements(tensor, slices, (i) => values.push(w[i]!));
    }
    return values;
  });
  return Float64Array.from(vectors, (a) =>
    vectors.reduce(
      (sum, b) => sum + Math.sqrt(a.reduce((square, value, i) => square + (value - (b[i] ?? 0)) ** 2, 0)),
      0,
    ),
  );
};

/** Filters near the geometric median of their layer can be replaced by the others (FPGM, He 2019). */
export const fpgm = weightCriterion({
  name: 'fpgm',
  summary: 'distance from the other filters of the layer',
  importance: distances,
});
