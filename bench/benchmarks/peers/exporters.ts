import { join } from 'node:path';
import { openDataset } from '../../../calibration/datasets/open.ts';
import { evaluate } from '../../../calibration/evaluate.ts';
import { meanDivergence } from '../../../compression/divergence.ts';
import { messageOf } from '../../../core/errors.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { noiseShare } from '../../../exporter/search/divergence.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { parseNormalization } from '../../../inference/normalization.ts';
import { probabilities } from '../../../inference/scores.ts';
import { openSession } from '../../../inference/session.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { writeCalibrationImages } from '../../harness/calibration-images.ts';
import { cifar10Folder } from '../../harness/data.ts';
import { PEERS, peerPython } from '../../harness/peers/environment.ts';
import { runChild } from '../../harness/process/child.ts';
import type { Workplace } from '../../harness/workplace.ts';

const SAMPLES = 256;
const SEED = 1;
/** Test images that the logits are compared on. */
const COMPARED = 1000;
const NORMALIZE = 'imagenet';
/** The peer uses all codes from -127 to 127. */
const TARGET = 'x64-vnni';
const EXPORTERS = ['torchscript', 'dynamo'] as const;
const PREPROCESSING = defaultPreprocessing(['N', 3, 32, 32], { normalize: parseNormalization(NORMALIZE) });

/** The logits of one model for every image. */
async function logitsOf(file: string, folder: string, signal: AbortSignal): Promise<Float32Array[]> {
  const session = await openSession(file);
  try {
    const found: Float32Array[] = [];
    const dataset = await openDataset(`cifar10:${folder}`, 'test');
    const onOutcome = ({ scores }: { readonly scores: Float32Array }): void => void found.push(scores.slice());
    await evaluate(session, dataset, { preprocessing: PREPROCESSING, limit: COMPARED, signal, onOutcome });
    return found;
  } finally {
    await session.close();
  }
}

interface Distance {
  /** Share of the variance of the logits. */
  readonly noise: number;
  /** Nats. */
  readonly divergence: number;
}

function distanceOf(float: readonly Float32Array[], int8: readonly Float32Array[]): Distance {
  const classes = (logits: readonly Float32Array[]): Float32Array[] => logits.map((scores) => probabilities(scores));
  return { noise: noiseShare(float, int8), divergence: meanDivergence(classes(float), classes(int8)) };
}

interface Layers {
  readonly fused: { readonly quantized: number; readonly float: readonly unknown[] };
}

/** @returns how many layers stayed in float; undefined where the model was refused, which is noted */
async function quantizedByUs(
  model: string,
  folder: string,
  out: string,
  note: (text: string) => void,
  place: Workplace,
): Promise<Layers['fused'] | undefined> {
  const asked = ['--data', `cifar10:${folder}`, '--normalize', NORMALIZE, '--target', TARGET, '--limit', '100'];
  const drawn = ['--calibration', String(SAMPLES), '--seed', String(SEED), '--threads', '1'];
  const args = [join(PACKAGE_ROOT, 'bin', 'wayside.js'), 'quantize', model, ...asked, ...drawn, '--out', out, '--json'];
  try {
    return (JSON.parse((await runChild(process.execPath, args, place)).stdout) as Layers).fused;
  } catch (cause) {
    place.signal.throwIfAborted();
    note(messageOf(cause));
    return undefined;
  }
}

async function measure(
  name: string,
  exporter: (typeof EXPORTERS)[number],
  { folder, images, python }: { readonly folder: string; readonly images: string; readonly python: string },
  note: (text: string) => void,
  place: Workplace,
): Promise<Figure[]> {
  const subject = `${name}, ${exporter}`;
  const model = join(place.scratch, `${name}-${exporter}.onnx`);
  const outOf = (who: string): string => join(place.scratch, `${name}-${exporter}-${who}.onnx`);
  place.say(subject);
  const fused = await quantizedByUs(model, folder, outOf('wayside'), (text) => note(`${subject}: ${text}`), place);
  const refused: Figure = {
    subject,
    measure: 'refused',
    value: fused === undefined ? 1 : 0,
    unit: '',
    limit: { atMost: 0 },
  };
  await runChild(python, [join(PEERS, 'ort_quantize_static.py'), model, images, outOf('peer')], place);
  if (fused === undefined) return [refused];
  const float = await logitsOf(model, folder, place.signal);
  const own = distanceOf(float, await logitsOf(outOf('wayside'), folder, place.signal));
  const peer = distanceOf(float, await logitsOf(outOf('peer'), folder, place.signal));
  return [
    { subject, measure: 'noise', value: 100 * own.noise, unit: '%' },
    { subject, measure: 'noise of the peer', value: 100 * peer.noise, unit: '%' },
    { subject, measure: 'noise / peer', value: own.noise / peer.noise, unit: '', limit: { atMost: 1 } },
    { subject, measure: 'divergence / peer', value: own.divergence / peer.divergence, unit: '' },
    { subject, measure: 'layers in float', value: fused.float.length, unit: '', limit: { atMost: 0 } },
    refused,
  ];
}

export const exporters: Benchmark = {
  name: 'exporters',
  title: "Ten networks from both of PyTorch's exporters, beside quantize_static",
  method:
    'Ten small networks (ResNet, MobileNetV3, EfficientNet, ViT, Swin, ConvNeXt, DenseNet, ShuffleNetV2, GoogLeNet, MLP-Mixer) with random features, measured normalisations and a head fitted by ridge regression on 2,000 images of ' +
    `CIFAR-10, exported by TorchScript (open batch) and by dynamo (batch 1). \`wayside quantize --target ${TARGET}\` and ONNX Runtime's \`quantize_static\` (after \`quant_pre_process\`, unsigned activations, signed weights, one scale a channel, min-max) ` +
    `quantize each on the same ${SAMPLES} training images. Noise is the sum of squared errors of the logits of ${COMPARED.toLocaleString('en-US')} test images over their variance, divergence that of the class probabilities, both against the float file.`,
  layout: 'grid',
  needs: ['shared-data', 'python3'],
  async run(place) {
    const peer = await peerPython(place, 'requirements-exporters.txt');
    if ('missing' in peer) return { skipped: peer.missing };
    const { python } = peer;
    const folder = await cifar10Folder(place);
    const images = join(place.scratch, 'images.npy');
    const train = await openDataset(`cifar10:${folder}`, 'train');
    await writeCalibrationImages(images, train, PREPROCESSING, { samples: SAMPLES, seed: SEED });
    place.say('exporting');
    const made = await runChild(python, [join(PEERS, 'exported_networks.py'), folder, place.scratch], place);
    const { networks } = JSON.parse(made.stdout) as { readonly networks: readonly string[] };
    const figures: Figure[] = [];
    const notes: string[] = [];
    for (const name of networks) {
      for (const exporter of EXPORTERS) {
        figures.push(...(await measure(name, exporter, { folder, images, python }, (text) => notes.push(text), place)));
      }
    }
    const refusals = notes.length;
    const all = { subject: 'all', measure: 'refused', value: refusals, unit: '', limit: { atMost: 0 } };
    return { figures: [...figures, all], notes };
  },
};
