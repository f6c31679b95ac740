import type { Model } from '../../onnx/graph.ts';
import { asFloat32, elementCount, type Tensor } from '../../onnx/tensor.ts';
import type { Channel, ChannelGroup, Slices } from './channels/groups.ts';

/** What a channel is worth; only comparisons count. */
export type Criterion = (model: Model, group: ChannelGroup) => Float64Array;

/** Weights that decide what a channel is worth: not biases, and not what a normalisation has measured. */
function weightSlices(model: Model, { slices }: Channel): { readonly tensor: Tensor; readonly slices: Slices }[] {
  return slices.flatMap((each) => {
    const tensor = model.graph.initializers.get(each.initializer);
    return tensor !== undefined && tensor.dtype === 'float32' && tensor.dims.length > 1
      ? [{ tensor, slices: each }]
      : [];
  });
}

/** Calls `visit` with the position of every element of the slices. */
function visitElements({ dims }: Tensor, { axis, indices }: Slices, visit: (position: number) => void): void {
  const inner = elementCount(dims.slice(axis + 1));
  const outer = elementCount(dims.slice(0, axis));
  const width = dims[axis] ?? 1;
  for (let o = 0; o < outer; o++) {
    for (const index of indices) {
      const start = (o * width + index) * inner;
      for (let i = 0; i < inner; i++) visit(start + i);
    }
  }
}

/** Mean over the channel's tensors of sum |w|^p: each tensor has one vote, whatever its size. */
const norm =
  (p: 1 | 2): Criterion =>
  (model, { channels }) =>
    Float64Array.from(channels, (channel) => {
      const parts = weightSlices(model, channel);
      let total = 0;
      for (const { tensor, slices } of parts) {
        const w = asFloat32(tensor);
        let sum = 0;
        visitElements(tensor, slices, (i) => {
          sum += p === 1 ? Math.abs(w[i]!) : w[i]! * w[i]!;
        });
        total += p === 1 ? sum : Math.sqrt(sum);
      }
      return parts.length === 0 ? 0 : total / parts.length;
    });

export const l1 = norm(1);
export const l2 = norm(2);

/** Filters near the geometric median of their layer can be replaced by the others (FPGM, He 2019): sum of distances. */
export const fpgm: Criterion = (model, { channels }) => {
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

/**
 * First-order change of the loss when a channel is set to zero, |sum w g| (Molchanov 2019), averaged over its tensors.
 *
 * @param gradients of the loss by parameter, averaged over batches
 */
export const taylor =
  (gradients: ReadonlyMap<string, Float32Array>): Criterion =>
  (model, { channels }) =>
    Float64Array.from(channels, (channel) => {
      let total = 0;
      let counted = 0;
      for (const { tensor, slices } of weightSlices(model, channel)) {
        const g = gradients.get(slices.initializer);
        if (g === undefined) continue;
        const w = asFloat32(tensor);
        let sum = 0;
        visitElements(tensor, slices, (i) => {
          sum += w[i]! * g[i]!;
        });
        total += Math.abs(sum);
        counted++;
      }
      return counted === 0 ? 0 : total / counted;
    });
