import type { Model } from '../../onnx/graph.ts';
import { asFloat32, elementCount, type Tensor } from '../../onnx/tensor.ts';
import type { Channel, Slices } from './channels/groups.ts';
import type { Importance } from './criteria/criterion.ts';

/** Weights that decide what a channel is worth: not biases, and not what a normalisation has measured. */
export function weightSlices(
  model: Model,
  { slices }: Channel,
): { readonly tensor: Tensor; readonly slices: Slices }[] {
  return slices.flatMap((each) => {
    const tensor = model.graph.initializers.get(each.initializer);
    return tensor !== undefined && tensor.dtype === 'float32' && tensor.dims.length > 1
      ? [{ tensor, slices: each }]
      : [];
  });
}

/** Calls `visit` with the position of every element of the slices. */
export function visitElements({ dims }: Tensor, { axis, indices }: Slices, visit: (position: number) => void): void {
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
export const norm =
  (p: 1 | 2): Importance =>
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
