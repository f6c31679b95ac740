import { recordGolden } from '../../inference/golden.ts';
import { writePackage } from '../../inference/package.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { ModelPackage } from '../../inference/read-package.ts';
import { openSession } from '../../inference/session.ts';
import { int } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { float32Tensor } from '../../onnx/tensor.ts';

export const COLOURS = ['red', 'green', 'blue'] as const;

export interface ColourPackageOptions {
  /** @default 'colours' */
  readonly name?: string;
  /** @default '1' */
  readonly version?: string;
  /** Rows of the input; symbolic by default. */
  readonly batch?: number;
  /** Names of the classes. @default COLOURS */
  readonly labels?: readonly string[];
  /** Makes the golden samples wrong: a package that no processor reproduces. */
  readonly wrongGolden?: boolean;
}

const SIDE = 32;

const PREPROCESSING: Preprocessing = {
  size: [SIDE, SIDE],
  resize: 'stretch',
  crop: 'none',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'NCHW',
  channels: 'RGB',
};

/** Which colour an image mostly has: the mean of each channel, times 4, as logits: a pure colour scores 0.96. Small, and its truth is plain to see. */
function colourModel(batch: number | string): Uint8Array {
  const builder = new GraphBuilder('colours');
  const image = builder.input('image', 'float32', [batch, 3, SIDE, SIDE]);
  const weight = builder.constant('weight', float32Tensor([3, 3], Float32Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4)));
  const [mean] = builder.node('GlobalAveragePool', [image]);
  const [flat] = builder.node('Flatten', [mean], { axis: int(1) });
  const [scores] = builder.node('MatMul', [flat, weight], {}, { outputs: ['scores'] });
  builder.output(scores, 'float32', [batch, 3]);
  return encodeModel(builder.build({ opset: 13, irVersion: 8 }));
}

function plain(colour: number): { width: number; height: number; data: Uint8Array } {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let at = colour; at < data.length; at += 3) data[at] = 255;
  return { width: SIDE, height: SIDE, data };
}

/** Writes a real, small model package that tells red, green and blue apart. */
export async function writeColourPackage(dir: string, options: ColourPackageOptions = {}): Promise<ModelPackage> {
  const { name = 'colours', version = '1', batch = 'N', labels = COLOURS, wrongGolden = false } = options;
  const model = colourModel(batch);
  const session = await openSession(model);
  const golden = await recordGolden(session, PREPROCESSING, [plain(0), plain(1), plain(2)]);
  await session.close();
  const told = wrongGolden ? golden.map(({ image, scores }) => ({ image, scores: scores.toReversed() })) : golden;
  return await writePackage(
    dir,
    {
      manifest: {
        name,
        version,
        input: { name: 'image', shape: [batch, 3, SIDE, SIDE] },
        output: { name: 'scores', classes: 3 },
        preprocessing: PREPROCESSING,
        labels: [...labels],
        thresholds: { score: 0.5 },
        minimumRuntime: '1.30.0',
      },
      model,
      golden: told,
    },
    { replace: true },
  );
}
