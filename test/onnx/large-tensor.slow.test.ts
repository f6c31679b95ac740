import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspectModel } from '../../cli/inspection.ts';
import { proto } from '../../onnx/file/proto.ts';
import { decodeModel, readModel } from '../../onnx/file/read.ts';
import { encodeModel, writeModel } from '../../onnx/file/write.ts';

/** float32 [24000, 24000]: 2.3 GB, which no single read of Node, and no protobuf file, can hold. */
const SIDE = 24_000;
const BYTES = 4 * SIDE * SIDE;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wayside-large-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a tensor above 2 GiB is read, inspected and written with external data by itself', async () => {
  const sparse = await open(join(folder, 'w.bin'), 'w');
  await sparse.truncate(BYTES);
  await sparse.write(Float32Array.of(7), 0, 4, BYTES - 4);
  await sparse.close();
  const type = (width: number) => ({
    tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: width }] } },
  });
  const bytes = proto.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ version: 17 }],
    graph: {
      name: 'large',
      node: [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }],
      input: [{ name: 'x', type: type(SIDE) }],
      output: [{ name: 'y', type: type(SIDE) }],
      initializer: [
        {
          name: 'w',
          dims: [SIDE, SIDE],
          dataType: 1,
          dataLocation: proto.TensorProto.DataLocation.EXTERNAL,
          externalData: [{ key: 'location', value: 'w.bin' }],
        },
      ],
    },
  }).finish();
  const model = decodeModel(bytes, { folder });
  const inspection = inspectModel(model);
  expect(inspection).toMatchObject({ parameters: SIDE * SIDE, macs: SIDE * SIDE, uniqueWeights: 2, notes: [] });
  expect(() => encodeModel(model)).toThrow(expect.objectContaining({ code: 'MODEL_TOO_LARGE' }));

  const out = join(folder, 'written.onnx');
  await writeModel(model, out);
  expect((await stat(`${out}.data`)).size).toBe(BYTES);
  expect((await stat(out)).size).toBeLessThan(4096);
  const weights = (await readModel(out)).graph.initializers.get('w')!.bytes;
  expect(new Float32Array(weights.buffer, weights.byteLength - 4, 1)[0]).toBe(7);
}, 600_000);
