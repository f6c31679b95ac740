import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { quantizeNetwork } from '../../../exporter/commands/quantize-network.ts';
import { float, int, ints, string } from '../../../onnx/attributes.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor, int64Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { wavyImages } from '../../support/networks/images.ts';
import { SIDE, TokenBuilder } from './networks.ts';

const folder = temporaryFolder();
const WIDTH = 16;

type Middle = (b: TokenBuilder, maps: string) => string;

/** A convolution, an odd form of something, a convolution, and the scores. `middle` keeps `[N, 16, ...]`. */
function around(middle: Middle, batch: number | 'N' = 'N'): Model {
  const b = new TokenBuilder(batch);
  const image = b.input('image', 'float32', [batch, 3, SIDE, SIDE]);
  const maps = b.relu(b.convolution(image, 3, WIDTH, { stride: 2 }));
  const last = b.relu(b.convolution(middle(b, maps), WIDTH, WIDTH, { stride: 2 }));
  const [mean] = b.node('GlobalAveragePool', [last]);
  return b.finish(b.node('Flatten', [mean])[0], WIDTH);
}

async function quantized(model: Model, range: 'min-max' | 'auto' = 'min-max') {
  const path = join(folder(), 'model.onnx');
  await writeModel(model, path);
  const data = wavyImages(32, SIDE);
  return quantizeNetwork({
    model: path,
    data,
    calibration: 21,
    threads: 1,
    range,
    tolerance: Number.POSITIVE_INFINITY,
  });
}

const scales = (b: TokenBuilder, values: readonly number[]): string =>
  b.constant('scales', float32Tensor([values.length], Float32Array.from(values)));

const resize =
  (mode: string, coordinates: string): Middle =>
  (b, maps) =>
    b.node('Resize', [maps, '', scales(b, [1, 1, 2, 2])], {
      mode: string(mode),
      coordinate_transformation_mode: string(coordinates),
    })[0];

const pad =
  (mode: string): Middle =>
  (b, maps) =>
    b.node('Pad', [maps, b.integers('pads', [0, 0, 1, 2, 0, 0, 2, 1])], { mode: string(mode) })[0];

const vector = (b: TokenBuilder, maps: string): string =>
  b.node('Flatten', [b.node('GlobalAveragePool', [maps])[0]])[0];
/** A vector back over the maps, as attention over channels does. */
const gated = (b: TokenBuilder, maps: string, gate: string): string =>
  b.node('Mul', [maps, b.node('Sigmoid', [b.reshape(gate, [0, WIDTH, 1, 1])])[0]])[0];

const FORMS: Readonly<Record<string, { readonly middle: Middle; readonly layers: number }>> = {
  'a grouped convolution without a bias': {
    layers: 4,
    middle: (b, maps) =>
      b.node('Conv', [maps, b.weights('w', [WIDTH, WIDTH / 4, 3, 3])], { group: int(4), pads: ints([1, 1, 1, 1]) })[0],
  },
  'a Gemm with factors and a bias of one row': {
    layers: 4,
    middle: (b, maps) =>
      gated(
        b,
        maps,
        b.node('Gemm', [vector(b, maps), b.weights('w', [WIDTH, WIDTH]), b.weights('b', [1, WIDTH])], {
          alpha: float(0.5),
          beta: float(2),
          transB: int(1),
        })[0],
      ),
  },
  'a Gemm without a bias': {
    layers: 4,
    middle: (b, maps) => gated(b, maps, b.node('Gemm', [vector(b, maps), b.weights('w', [WIDTH, WIDTH])])[0]),
  },
  'DepthToSpace and back': {
    layers: 3,
    middle: (b, maps) =>
      b.node('SpaceToDepth', [b.node('DepthToSpace', [maps], { blocksize: int(2), mode: string('CRD') })[0]], {
        blocksize: int(2),
      })[0],
  },
  'Resize to the nearest': { layers: 3, middle: resize('nearest', 'asymmetric') },
  'Resize, linear, corners aligned': { layers: 3, middle: resize('linear', 'align_corners') },
  'Resize, cubic': { layers: 3, middle: resize('cubic', 'half_pixel') },
  'Pad by reflection': { layers: 3, middle: pad('reflect') },
  'Pad by the edge': { layers: 3, middle: pad('edge') },
  'a Split whose parts several read': {
    layers: 4,
    middle(b, maps) {
      const [left, right] = b.node(
        'Split',
        [maps, b.integers('parts', [WIDTH / 2, WIDTH / 2])],
        { axis: int(1) },
        { outputs: ['left', 'right'] },
      );
      const changed = b.convolution(right ?? '', WIDTH / 2, WIDTH / 2);
      const [sum] = b.node('Add', [left, changed]);
      const [product] = b.node('Mul', [right ?? '', sum]);
      return b.node('Concat', [product, left], { axis: int(1) })[0];
    },
  },
  'two layers with the same weights': {
    layers: 4,
    middle(b, maps) {
      const w = b.weights('shared', [WIDTH, WIDTH, 1, 1]);
      return b.node('Conv', [b.relu(b.node('Conv', [maps, w])[0]), w])[0];
    },
  },
  'weights that are also a summand': {
    layers: 3,
    middle(b, maps) {
      const w = b.weights('both', [1, WIDTH, 1, 1]);
      const [one] = b.node('Conv', [maps, w]);
      return b.node('Mul', [b.node('Add', [maps, w])[0], b.node('Sigmoid', [one])[0]])[0];
    },
  },
  'a chain of Identity': {
    layers: 3,
    middle: (b, maps) => b.node('Identity', [b.node('Identity', [maps])[0]])[0],
  },
  'a Slice that leaves nothing, joined to the rest': {
    layers: 3,
    middle(b, maps) {
      const none = ['starts', 'ends', 'axes'].map((name) =>
        b.constant(name, int64Tensor([1], [name === 'axes' ? 1 : 0])),
      );
      return b.node('Concat', [b.node('Slice', [maps, ...none])[0], maps], { axis: int(1) })[0];
    },
  },
};

describe('odd but valid forms become int8', () => {
  test.each(Object.entries(FORMS))('%s', async (name, { middle, layers }) => {
    const { fused, distance } = await quantized(around(middle), name.includes('nothing') ? 'auto' : 'min-max');
    expect(fused.float).toEqual([]);
    expect(fused.quantized).toBeGreaterThanOrEqual(layers);
    expect(distance).toBeLessThan(0.05);
  });
});

describe('outputs that are no layer of their own', () => {
  /** The network with more outputs, made of its parts. */
  function withOutputs(change: (graph: Model['graph']) => Model['graph']): Model {
    const model = around((_, maps) => maps);
    return { ...model, graph: change(model.graph) };
  }

  const identity = (input: string, output: string) => ({
    name: output,
    opType: 'Identity',
    domain: '',
    inputs: [input],
    outputs: [output],
    attributes: {},
  });

  test.each([
    [
      'the scores twice, and the input',
      (graph: Model['graph']) => [identity('scores', 'again'), identity(graph.inputs[0]!.name, 'same')],
    ],
    ['the scores through two Identities', () => [identity('scores', 'once'), identity('once', 'again')]],
  ] as const)('%s', async (_, added) => {
    const model = withOutputs((graph) => {
      const nodes = added(graph);
      const names = nodes.map(({ name }) => name).filter((name) => name !== 'once');
      const outputs = [...graph.outputs, ...names.map((name) => ({ name, dtype: 'float32' as const, shape: null }))];
      return { ...graph, nodes: [...graph.nodes, ...nodes], outputs };
    });
    const { fused, model: written } = await quantized(model);
    expect(fused).toEqual({ quantized: 3, float: [] });
    expect(written.graph.outputs.map(({ name }) => name)).toEqual(model.graph.outputs.map(({ name }) => name));
  });

  test('the input itself', async () => {
    const model = withOutputs((graph) => ({ ...graph, outputs: [...graph.outputs, { ...graph.inputs[0]! }] }));
    const { fused, model: written } = await quantized(model);
    expect(fused).toEqual({ quantized: 3, float: [] });
    expect(written.graph.outputs.map(({ name }) => name)).toEqual(['scores', 'image']);
  });
});
