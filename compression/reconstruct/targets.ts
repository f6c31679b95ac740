import { exposing } from '../../calibration/observe.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import { addRows, drawPositions, type Positions } from './positions.ts';
import type { Activation, WalkOptions } from './walk.ts';

export interface TargetRequest {
  readonly value: string;
  /** Channels of the original value, in the order of the columns. */
  readonly channels: readonly number[];
  /** Places a picture at most. */
  readonly wanted: number;
  readonly seed: number;
}

export interface TargetRows {
  readonly positions: Positions;
  /** `[pictures * perPicture, channels]` */
  readonly rows: Float32Array;
}

/** What the original model computes at the places drawn for each request, in one pass over the pictures. */
export async function targetRows(
  original: Model,
  requests: readonly TargetRequest[],
  pictures: Activation,
  count: number,
  { batch, threads = 1, signal }: WalkOptions & { readonly signal?: AbortSignal },
): Promise<TargetRows[]> {
  const values = [...new Set(requests.map(({ value }) => value))];
  const session = await openSession(encodeModel(exposing(original, values)), {
    threads,
    config: { 'session.intra_op.allow_spinning': '0' },
  });
  const gathered: TargetRows[] = [];
  try {
    const length = pictures.data.length / count;
    for (let from = 0; from < count; from += batch) {
      signal?.throwIfAborted();
      const size = Math.min(batch, count - from);
      const data = pictures.data.subarray(from * length, (from + size) * length);
      const feeds = { [session.input.name]: floatTensor(data, [size, ...pictures.dims]) };
      const results = await session.run(feeds, { outputs: values });
      requests.forEach(({ value, channels, wanted, seed }, r) => {
        const tensor = floatsOf(results, value);
        const { dims } = results[value]!;
        const area = dims.slice(2).reduce((product, dim) => product * dim, 1);
        gathered[r] ??= empty(drawPositions(count, area, wanted, seed), channels.length);
        const { positions, rows } = gathered[r];
        addRows(tensor, dims, positions, channels, rows, from, 1);
      });
    }
  } finally {
    await session.close();
  }
  return gathered;
}

const empty = (positions: Positions, channels: number): TargetRows => ({
  positions,
  rows: new Float32Array(positions.places.length * channels),
});
