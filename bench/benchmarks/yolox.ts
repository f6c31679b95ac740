import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { openDataset } from '../../calibration/datasets/open.ts';
import { type BoxAgreement, boxAgreement } from '../../calibration/detection/agreement.ts';
import { type QuantizedNetwork, quantizeNetwork } from '../../exporter/commands/quantize-network.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { framesDataset, halves, letterboxedFrames } from '../detection/frames.ts';
import { detectionsOf, YOLOX_INPUT, YOLOX_PREPROCESSING } from '../detection/yolox-model.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { writeCalibrationImages } from '../harness/calibration-images.ts';
import { interleavedLatencies, pairedRatio } from '../harness/interleave.ts';
import { PEERS, peerPython } from '../harness/peers/environment.ts';
import { runChild } from '../harness/process/child.ts';
import type { Workplace } from '../harness/workplace.ts';

const CALIBRATION = 128;
/** Frames a second that are looked at: neighbours at the clips' own rates are all but the same picture. */
const RATE = 4;
/** Least agreement, of F1 in percent. */
const LEAST = 97;
const PEER = 'quantize_static, calibrated on frames';

interface Variant {
  readonly subject: string;
  readonly pictures: Dataset;
  /** Every layer in int8, whatever it does to the boxes. */
  readonly throughout?: boolean;
}

async function clipFrames({ data, signal }: Workplace): Promise<Sample[][]> {
  const folder = join(data, 'video');
  const clips = (await readdir(folder)).filter((name) => name.endsWith('.mp4')).sort();
  const found: Sample[][] = [];
  for (const clip of clips)
    found.push(await letterboxedFrames(join(folder, clip), { side: YOLOX_INPUT, rate: RATE, signal }));
  return found;
}

const percent = (subject: string, measure: string, share: number): Figure => ({
  subject,
  measure,
  value: 100 * share,
  unit: '%',
});

const agreementFigures = (subject: string, agreement: BoxAgreement, limit: Pick<Figure, 'limit'>): Figure[] => [
  percent(subject, 'boxes found again', agreement.recall),
  percent(subject, 'of its boxes, in float too', agreement.precision),
  { ...percent(subject, 'F1', agreement.f1), ...limit },
  percent(subject, 'overlap of the pairs', agreement.iou),
];

/** ONNX Runtime's own quantizer on the very frames that the exporter drew; undefined where it cannot be installed. */
async function byPeer(
  model: string,
  frames: Dataset,
  { plan: { calibration, seed } }: QuantizedNetwork,
  place: Workplace,
): Promise<string | undefined> {
  const found = await peerPython(place);
  if ('missing' in found) return undefined;
  place.say(PEER);
  const [images, out] = [join(place.scratch, 'frames.npy'), join(place.scratch, 'peer.onnx')];
  await writeCalibrationImages(images, frames, YOLOX_PREPROCESSING, { samples: calibration.samples, seed });
  await runChild(found.python, [join(PEERS, 'ort_quantize_static.py'), model, images, out], place);
  return out;
}

export const yolox: Benchmark = {
  name: 'yolox',
  title: 'YOLOX-Nano on roadside clips: boxes of the int8 model against those of the float model',
  method:
    `The exporter quantizes YOLOX-Nano (416x416, 113 convolutions, SiLU) as a detector on ${CALIBRATION} pictures without labels, or three quarters of them where there are fewer: letterboxed frames of the first half of each clip ` +
    `of the test data, or photographs of the even ImageNet classes. ONNX Runtime’s \`quantize_static\` gets the same frames (U8S8, a scale a channel, min-max). Float and int8 model then look at ${RATE} frames a second of the second halves. Boxes of a score from 0.3 ` +
    'on are paired when they are of one class and overlap by at least a half (IoU). Layers that alone change a fortieth of what is found stay in float, with those between them where int8 would not pay, but for the ' +
    'row that has none. Latencies are taken in turns in one process, one thread; the ratio is the median of those within each round.',
  layout: 'grid',
  needs: ['shared-data', 'ffmpeg'],
  async run(place) {
    const model = join(place.data, 'models', 'yolox_nano.onnx');
    const { first, second } = halves(await clipFrames(place));
    const frames = framesDataset('first halves of the clips', first);
    const photographs = await openDataset(`images:${join(place.data, 'imagenet-sample')}`, 'train', {
      unlabelled: true,
    });
    const variants: readonly Variant[] = [
      { subject: 'int8, calibrated on frames', pictures: frames },
      { subject: 'int8, calibrated on photographs', pictures: photographs },
      { subject: 'int8 throughout, calibrated on frames', pictures: frames, throughout: true },
    ];
    const expected = await detectionsOf(model, second);
    const agreementOf = async (file: string) => boxAgreement(expected, await detectionsOf(file, second));
    const files = new Map([['float', model]]);
    const figures: Figure[] = [];
    const notes = [`${expected.flat().length} boxes of the float model in ${second.length} frames`];
    const made: QuantizedNetwork[] = [];
    for (const { subject, pictures, throughout = false } of variants) {
      place.say(subject);
      const quantized = await quantizeNetwork({
        model,
        data: pictures,
        head: 'yolox',
        preprocessing: YOLOX_PREPROCESSING,
        calibration: CALIBRATION,
        threads: 1,
        signal: place.signal,
        ...(throughout ? { tolerance: Number.POSITIVE_INFINITY, allowNoisyLayers: true } : {}),
      });
      const file = join(place.scratch, `${subject}.onnx`);
      await writeFile(file, encodeModel(quantized.model));
      files.set(subject, file);
      made.push(quantized);
      const limit = throughout ? {} : { limit: { atLeast: LEAST } };
      figures.push(...agreementFigures(subject, await agreementOf(file), limit));
      const { float } = quantized.fused;
      figures.push({ subject, measure: 'float convolutions', value: float.length, unit: '' });
      if (float.length > 0) notes.push(`${subject}: in float ${float.map(({ name }) => name).join(', ')}`);
    }
    const peer = await byPeer(model, frames, made[0]!, place);
    if (peer === undefined) notes.push(`without ${PEER}: its packages could not be installed`);
    else {
      files.set(PEER, peer);
      figures.push(...agreementFigures(PEER, await agreementOf(peer), {}));
    }
    place.say('measuring latency');
    const [float, ...others] = await interleavedLatencies([...files.values()], [YOLOX_INPUT, YOLOX_INPUT]);
    const { size } = await stat(model);
    figures.push({ subject: 'float', measure: 'MB', value: size / 1e6, unit: '' });
    for (const [i, [subject, file]] of [...files].slice(1).entries()) {
      const bytes = (await stat(file)).size;
      const latency = others[i];
      figures.push({ subject, measure: 'MB', value: bytes / 1e6, unit: '' });
      figures.push({ subject, measure: 'smaller', value: size / bytes, unit: 'times' });
      if (float === undefined || latency === undefined) continue;
      const limited = variants.some((variant) => variant.subject === subject && variant.throughout !== true);
      const faster = { subject, measure: 'faster', value: pairedRatio(float, latency), unit: 'times' };
      figures.push(limited ? { ...faster, limit: { atLeast: 1 } } : faster);
    }
    return { figures, notes };
  },
};
