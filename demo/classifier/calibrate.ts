import { normalizationTables, place, UNCHANGED } from '../../compression/training/data/augment.ts';
import type { ImageSet } from '../../compression/training/data/images.ts';
import { inputLength } from '../../inference/preprocess.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { asFloat32, float32Tensor } from '../../onnx/tensor.ts';
import { PREPROCESSING } from './network.ts';
import { calibrateFactor, type Scored } from './temperature.ts';

const LAST_LAYER = ['classifier.weight', 'classifier.bias'];

/** Multiplies the last layer by the factor that makes the probabilities honest on images the training has not learned from. */
export async function calibrated(model: Model, images: ImageSet): Promise<Model> {
  const factor = calibrateFactor(await scoresOf(model, images));
  const initializers = new Map(model.graph.initializers);
  for (const name of LAST_LAYER) {
    const tensor = initializers.get(name)!;
    const values = asFloat32(tensor).map((value) => value * factor);
    initializers.set(name, float32Tensor(tensor.dims, values));
  }
  return { ...model, graph: { ...model.graph, initializers } };
}

async function scoresOf(model: Model, { planes, labels, size, positions }: ImageSet): Promise<Scored[]> {
  const bytes = new Uint8Array(planes);
  const classes = new Int32Array(labels);
  const tables = normalizationTables(PREPROCESSING);
  const data = new Float32Array(inputLength(PREPROCESSING));
  const session = await openSession(encodeModel(model));
  const scored: Scored[] = [];
  try {
    for (const position of positions) {
      place(bytes, position, size, tables, UNCHANGED, data, 0);
      const outputs = await session.run({ [session.input.name]: floatTensor(data, [1, 3, ...size]) });
      scored.push({ scores: [...floatsOf(outputs, session.output.name)], label: classes[position]! });
    }
  } finally {
    await session.close();
  }
  return scored;
}
