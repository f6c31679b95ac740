import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { WaysideError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/hash.ts';
import { seededRandom } from '../../../core/random.ts';
import { HttpStatusError } from '../../../deploy/agent/tuf/http.ts';
import type { Opened, OpenOptions, Transport } from '../../../deploy/agent/tuf/transport.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { initRepository } from '../../../deploy/repository/init.ts';
import { createKeyFile, openKeyFile } from '../../../deploy/repository/keys/key-file.ts';
import { publish } from '../../../deploy/repository/publish.ts';
import { signStaged } from '../../../deploy/repository/sign.ts';
import { addTarget } from '../../../deploy/repository/stage-targets.ts';
import { targetPathOf } from '../../../deploy/target.ts';
import { recordGolden } from '../../../inference/golden.ts';
import { writePackage } from '../../../inference/package.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import { openSession } from '../../../inference/session.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';

export const MODEL = 'colours';
const SIDE = 8;
/** Of a body, as networks bring them: small enough that there are several of each file. */
const CHUNK_BYTES = 1200;

const PREPROCESSING: Preprocessing = {
  ...{ size: [SIDE, SIDE], resize: 'stretch', crop: 'none', mean: [0, 0, 0], std: [1, 1, 1] },
  ...{ layout: 'NCHW', channels: 'RGB' },
};

/** Its model has weights that no coder makes smaller: 72 kB, so that a cut comes in the middle of each of its files. */
const LARGE = '4';
const LARGE_COLUMNS = 6000;

/** Adds weights that change nothing: 0 times the largest of many products. */
function withWeights(builder: GraphBuilder, flat: string, scores: string): string {
  const random = seededRandom(11);
  const values = Float32Array.from({ length: 3 * LARGE_COLUMNS }, () => random.next());
  const weights = builder.constant('large', float32Tensor([3, LARGE_COLUMNS], values));
  const [products] = builder.node('MatMul', [flat, weights]);
  const [largest] = builder.node('ReduceMax', [products], { axes: ints([1]), keepdims: int(1) });
  const [nothing] = builder.node('Mul', [largest, builder.constant('zero', float32Tensor([1], Float32Array.of(0)))]);
  const [sum] = builder.node('Add', [scores, nothing], {}, { outputs: ['scores'] });
  return sum;
}

/** A real package that tells colours apart, of a few kilobytes but one: what is counted is acts on the disk, not bytes. */
async function writeVersion(dir: string, version: string): Promise<void> {
  const builder = new GraphBuilder('colours');
  const image = builder.input('image', 'float32', ['N', 3, SIDE, SIDE]);
  const sharpness = 4 + Number(version) / 10;
  const matrix = Float32Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? sharpness : 0));
  const [mean] = builder.node('GlobalAveragePool', [image]);
  const [flat] = builder.node('Flatten', [mean], { axis: int(1) });
  const weight = builder.constant('weight', float32Tensor([3, 3], matrix));
  const large = version === LARGE;
  const [told] = builder.node('MatMul', [flat, weight], {}, large ? {} : { outputs: ['scores'] });
  const scores = large ? withWeights(builder, flat, told) : told;
  builder.output(scores, 'float32', ['N', 3]);
  const model = encodeModel(builder.build({ opset: 13, irVersion: 8 }));
  const session = await openSession(model);
  const images = [0, 1, 2].map((colour) => ({
    width: SIDE,
    height: SIDE,
    data: Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i % 3 === colour ? 255 : 0)),
  }));
  const golden = await recordGolden(session, PREPROCESSING, images);
  await session.close();
  const manifest = {
    ...{ name: MODEL, version, preprocessing: PREPROCESSING, thresholds: { score: 0.5 }, minimumRuntime: '1.30.0' },
    ...{ input: { name: 'image', shape: ['N', 3, SIDE, SIDE] }, output: { name: 'scores', classes: 3 } },
    labels: ['red', 'green', 'blue'],
  };
  await writePackage(dir, { manifest, model, golden });
}

/** A published repository in memory, and packages on the disk: what boxes are given in a thousand lives. */
export interface PublishedModels {
  /** Folder of version 0, which comes with the software. */
  readonly factory: string;
  readonly root: Buffer;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly digests: ReadonlyMap<string, Digest>;
}

/** Publishes versions 1 to 5; every second one also as differences from the one before it. */
export async function publishModels(folder: string): Promise<PublishedModels> {
  const path = join(folder, 'office.key');
  const passphrase = 'a passphrase of a benchmark';
  const { file } = await createKeyFile('ed25519', passphrase, { name: 'office', cost: 2 ** 10 });
  await writeFile(path, file, { mode: 0o600 });
  const signer = await openKeyFile(path, () => Promise.resolve(passphrase));
  const office = join(folder, 'repository');
  const role = { keys: [signer.key], threshold: 1 };
  await initRepository(office, { roles: { root: role, targets: role, snapshot: role, timestamp: role } });
  const digests = new Map<string, Digest>();
  for (const version of ['0', '1', '2', '3', '4', '5']) {
    const dir = join(folder, `package-${version}`);
    await writeVersion(dir, version);
    const parents = version === '2' ? [undefined, join(folder, 'package-1')] : [undefined];
    for (const from of parents) {
      const bundle = await bundlePackage(dir, from === undefined ? {} : { parent: from });
      digests.set(version, bundle.package);
      await writeFile(join(folder, 'bundle'), bundle.bytes);
      const custom = { name: MODEL, version, package: bundle.package, parent: bundle.parent };
      await addTarget(office, { file: join(folder, 'bundle'), custom, path: targetPathOf(custom) });
    }
  }
  await signStaged(office, signer);
  await publish(office, [signer]);
  const published = join(office, 'published');
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(published, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(relative(published, full), await readFile(full));
  }
  const root = files.get(join('metadata', '1.root.json'));
  if (root === undefined) throw new WaysideError('INTERNAL', { message: 'no root was published' });
  return { factory: join(folder, 'package-0'), root, files, digests };
}

/** Serves the files of a repository out of memory. */
export class MemoryTransport implements Transport {
  readonly #files: ReadonlyMap<string, Buffer>;
  received = 0;

  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#files = files;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async open(url: string, { from = 0 }: OpenOptions): Promise<Opened> {
    const file = this.#files.get(decodeURIComponent(new URL(url).pathname.slice(1)));
    if (file === undefined) throw new HttpStatusError(url, 404);
    return { resumed: from > 0, body: this.#body(file.subarray(from)) };
  }

  async *#body(rest: Buffer): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < rest.length; at += CHUNK_BYTES) {
      const chunk = rest.subarray(at, at + CHUNK_BYTES);
      this.received += chunk.length;
      yield chunk;
    }
  }
}
