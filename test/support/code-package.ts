import { seededRandom } from '../../core/random.ts';
import { storeCodes } from '../../exporter/quantize/codebook.ts';
import { writePackage } from '../../inference/package.ts';
import type { ModelPackage } from '../../inference/read-package.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { shortNames } from '../../onnx/names.ts';

/** Weights of a layer: what a network would have, and how the exporter stores them. */
export interface CodeLayer {
  readonly dims: readonly number[];
  /** Clusters, or plain int8. */
  readonly clusters?: number;
}

const LAYERS: readonly CodeLayer[] = [
  { dims: [32, 16, 3, 3], clusters: 16 },
  { dims: [16, 32, 3, 3], clusters: 64 },
  { dims: [24, 32, 1, 1], clusters: 4 },
  { dims: [10, 128] },
];

export interface CodePackageOptions {
  readonly layers?: readonly CodeLayer[];
  /** Share of the codes that are moved by one step: a fine-tuning. @default 0 */
  readonly moved?: number;
  /** @default '1' */
  readonly version?: string;
}

function weightsOf({ dims, clusters }: CodeLayer, seed: number, moved: number) {
  const [random, moves] = [seededRandom(seed), seededRandom(seed + 1000)];
  const steps = clusters ?? 256;
  const index = (normal: number): number => Math.max(0, Math.min(steps - 1, Math.round((normal / 6 + 0.5) * steps)));
  const step = (): number => (moves.next() < moved ? (moves.next() < 0.5 ? -1 : 1) : 0);
  const code = (at: number): number => Math.round(((at + 0.5) / steps) * 255 - 128);
  const count = dims.reduce((product, n) => product * n, 1);
  const codes = Int8Array.from({ length: count }, () =>
    code(Math.max(0, Math.min(steps - 1, index(random.normal()) + step()))),
  );
  const codebooks = clusters === undefined ? [] : [Int8Array.from({ length: clusters }, (_, i) => code(i))];
  return { dims, codes, codebooks, indexBits: Math.ceil(Math.log2(steps)) };
}

/**
 * Writes a package whose model holds weights in every form the exporter knows. Nothing runs it: it is for what reads
 * packages without a runtime.
 */
export async function writeCodePackage(dir: string, options: CodePackageOptions = {}): Promise<ModelPackage> {
  const { layers = LAYERS, moved = 0, version = '1' } = options;
  const naming = shortNames({ values: ['image', 'scores'], nodes: [] });
  const builder = new GraphBuilder('codes', { naming });
  const values = layers.map((layer, i) => storeCodes(builder, weightsOf(layer, i, moved)));
  const model = encodeModel({
    irVersion: 10,
    opsets: new Map([['', 25]]),
    producerName: 'wayside',
    producerVersion: '',
    metadata: new Map(),
    graph: {
      name: 'codes',
      inputs: [{ name: 'image', dtype: 'float32', shape: [1, 3, 8, 8] }],
      outputs: values.map((name, i) => ({ name, dtype: 'int8', shape: layers[i]!.dims })),
      initializers: builder.initializers,
      nodes: builder.nodes,
      valueInfo: new Map(),
    },
  });
  return writePackage(dir, {
    manifest: {
      name: 'codes',
      version,
      input: { name: 'image', shape: [1, 3, 8, 8] },
      output: { name: values[0] ?? '', classes: 3 },
      preprocessing: {
        ...{ size: [8, 8], resize: 'stretch', crop: 'none', mean: [0, 0, 0], std: [1, 1, 1] },
        ...{ layout: 'NCHW', channels: 'RGB' },
      },
      thresholds: { score: 0.5 },
      minimumRuntime: '1.30.0',
    },
    model,
    golden: [{ image: { width: 8, height: 8, data: new Uint8Array(192).fill(7) }, scores: Float32Array.of(1, 2, 3) }],
    report: '<!doctype html><title>codes</title>',
  });
}
