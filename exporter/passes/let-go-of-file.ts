import { pass } from '../../onnx/pass.ts';
import { withGraph } from './rewrite.ts';

/** A buffer of which less than this share is still used is let go of. */
const WORTH_KEEPING = 1 / 4;

/**
 * Copies what little is left of a file's bytes. Weights are views into the file they were read from; once batch normalisation is folded into all
 * convolutions, ResNet50's last matrix product of 8 MB would keep the 102 MB of the whole file in memory.
 */
export const letGoOfFile = pass({
  name: 'let-go-of-file',
  run(model) {
    const { initializers } = model.graph;
    const used = new Map<ArrayBufferLike, number>();
    for (const { bytes } of initializers.values()) {
      used.set(bytes.buffer, (used.get(bytes.buffer) ?? 0) + bytes.byteLength);
    }
    const isLittle = ({ buffer }: Uint8Array): boolean => (used.get(buffer) ?? 0) < WORTH_KEEPING * buffer.byteLength;
    const kept = [...initializers].map(
      ([name, tensor]) =>
        [name, isLittle(tensor.bytes) ? { ...tensor, bytes: new Uint8Array(tensor.bytes) } : tensor] as const,
    );
    return withGraph(model, { initializers: new Map(kept) });
  },
});
