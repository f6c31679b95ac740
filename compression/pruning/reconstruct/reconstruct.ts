import type { Dataset } from '../../../calibration/dataset.ts';
import type { RunOptions } from '../../../core/progress.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import type { Model } from '../../../onnx/graph.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import { indexGraph } from '../../../onnx/topology.ts';
import { MatrixProducts } from '../../linear-algebra/products.ts';
import { GramSession } from '../../rounding/gram.ts';
import type { Pruned } from '../prune.ts';
import { loadImages } from './images.ts';
import { addRows } from './positions.ts';
import { type Repair, repairsOf } from './repairs.ts';
import { solveLayer } from './solve-layer.ts';
import { Targets } from './targets.ts';
import { bytesOfImage, Walk } from './walk.ts';

interface ReconstructOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Positions of the calibration images; no labels are read. */
  readonly indices: readonly number[];
  readonly seed: number;
  /** Ridge, as a share of the mean variance of an input. @default 1e-3 */
  readonly damping?: number;
  /** @default 1 */
  readonly threads?: number;
}

interface Reconstruction {
  readonly model: Model;
  /** Error of each layer's output as a share of its variance, before and after. */
  readonly layers: readonly { readonly name: string; readonly before: number; readonly after: number }[];
}

/**
 * Samples a column: with fewer the weights found fit the images instead of the layer. ResNet20 at half of its operations: 79.60% with
 * 12 from 512 images, 81.35% with 12 from 2,048, 82.15% with 36 from 2,048.
 */
const SAMPLES_PER_COLUMN = 36;
const FEWEST_SAMPLES = 12_288;
/** 200 MB of samples of the widest layers, which then have 9 a column. */
const MOST_VALUES = 48e6;
/** 2,304 = 256 channels of a 3x3 kernel: solving takes the cube of it, some 6 s. Wider layers keep their weights. */
const MOST_COLUMNS = 2304;
const BATCH = 16;
/** Of the values that wait for the layers ahead: 512 images of a CIFAR ResNet take 100 MB, 23 of a VGG16 at 224x224 all. */
const MOST_BYTES = 0.9e9;
/** Of one value in one run. */
const RUN_BYTES = 16e6;

/**
 * Restores what pruning took, layer by layer and without labels: each layer's weights are solved for so that from what the
 * *pruned* model feeds it, it gives what the original gave (He 2017; ThiNet, Luo 2017). In closed form, one pass.
 *
 * @param original the model that was pruned
 * @throws {WaysideError} MODEL_UNSUPPORTED, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function reconstruct(
  original: Model,
  { model: start, analysis, removed }: Pick<Pruned, 'model' | 'analysis' | 'removed'>,
  dataset: Dataset,
  options: ReconstructOptions,
): Promise<Reconstruction> {
  const { preprocessing, seed, damping = 1e-3, threads = 1, signal, onProgress } = options;
  const { batch, count } = runsOf(start, options.indices.length);
  const asked = options.indices;
  // Spread over the draw: it is in the order of the set, which may be that of the classes.
  const indices = Array.from({ length: count }, (_, i) => asked[Math.floor((i * asked.length) / count)]!);
  const repairs = solvable(start);
  const walkOptions = { batch, threads };
  const requests = repairs.map(({ layer, target }, r) => ({
    value: target,
    // Of a value that pruning could not follow nothing has gone.
    channels: analysis.channelsOf(target)?.flatMap((id, i) => (removed.has(id) ? [] : [i])) ?? everyChannel(layer.rows),
    wanted: Math.ceil(samplesFor(layer.columns) / count),
    seed: seed + r,
  }));
  // Nothing here keeps the images: they go when both walks have passed what reads them.
  const { targets, walk } = await loadImages(dataset, preprocessing, indices).then((images) => ({
    targets: new Targets(original, requests, images, count, walkOptions),
    walk: new Walk(start.graph.inputs[0]?.name ?? '', images, count, walkOptions),
  }));
  /** For every layer in turn: 200 MB each else wait to be collected while the next layer takes its own. */
  const room = new Float32Array(
    Math.max(0, ...repairs.map(({ layer }, r) => count * requests[r]!.wanted * layer.columns)),
  );
  const gram = await GramSession.open();
  const products = new MatrixProducts(threads);
  let model = start;
  const layers: { name: string; before: number; after: number }[] = [];
  onProgress?.({ stage: 'reconstructing layers', done: 0, total: repairs.length });
  try {
    for (const [r, repair] of repairs.entries()) {
      const { positions, rows } = await targets.take(r, signal);
      await walk.advance(model, repair.position, undefined, signal);
      if (repair.shortcut !== undefined) {
        const { dims, data } = walk.value(repair.shortcut);
        const width = dims[0] ?? 0;
        addRows(data, [count, ...dims], positions, [...everyChannel(width)], rows, 0, -1);
      }
      const input = walk.value(repair.layer.input);
      const samples = { input, count, positions, rows, damping, room };
      const solved = await solveLayer(model, repair, samples, { gram, products, signal });
      model = solved.model;
      layers.push({ name: repair.layer.node.name, before: solved.before, after: solved.after });
      onProgress?.({ stage: 'reconstructing layers', done: r + 1, total: repairs.length });
    }
  } finally {
    await gram.close();
    await products.close();
  }
  return { model, layers };
}

/** Images a run, and in all: as many as asked for, or as memory holds of the three largest values at a time; two where one takes over another (`walk.ts`). */
function runsOf(model: Model, asked: number): { readonly batch: number; readonly count: number } {
  const fixed = model.graph.inputs[0]?.shape?.[0];
  const largest = Math.max(1, ...[...inferShapes(model).values()].map(({ shape }) => bytesOfImage(shape)));
  const open = Math.max(1, Math.min(BATCH, Math.floor(RUN_BYTES / largest)));
  const batch = typeof fixed === 'number' ? fixed : open;
  const held = Math.min(asked, Math.max(batch, Math.floor(MOST_BYTES / (3 * largest))));
  return { batch, count: Math.max(batch, held - (held % batch)) };
}

const samplesFor = (columns: number): number =>
  Math.min(Math.max(FEWEST_SAMPLES, SAMPLES_PER_COLUMN * columns), MOST_VALUES / columns);

const everyChannel = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Layers that own their weights and are narrow enough. */
function solvable(model: Model): Repair[] {
  const index = indexGraph(model.graph);
  return repairsOf(model).filter(({ layer }) => {
    const [, weight = ''] = layer.node.inputs;
    const flat = layer.window !== undefined || layer.node.opType === 'Gemm';
    return flat && layer.columns <= MOST_COLUMNS && index.consumers(weight).length === 1;
  });
}
