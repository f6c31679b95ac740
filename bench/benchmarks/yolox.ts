import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { openDataset } from '../../calibration/datasets/open.ts';
import { boxAgreement } from '../../calibration/detection/agreement.ts';
import { type QuantizedNetwork, quantizeNetwork } from '../../exporter/commands/quantize-network.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { framesDataset, halves, letterboxedFrames } from '../detection/frames.ts';
import { detectionsOf, YOLOX_INPUT, YOLOX_PREPROCESSING } from '../detection/yolox-model.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { interleavedLatencies, pairedRatio } from '../harness/interleave.ts';
import type { Workplace } from '../harness/workplace.ts';

const CALIBRATION = 64;
/** Frames a second that are looked at: neighbours at the clips' own rates are all but the same picture. */
const RATE = 4;
/** Least agreement, of F1 in percent. */
const LEAST = 90;

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

function agreementFigures(
  { subject, throughout }: Variant,
  { fused }: QuantizedNetwork,
  agreement: ReturnType<typeof boxAgreement>,
): Figure[] {
  const percent = (measure: string, share: number): Figure => ({
    subject,
    measure,
    value: 100 * share,
    unit: '%',
  });
  return [
    percent('boxes found again', agreement.recall),
    percent('of its boxes, in float too', agreement.precision),
    { ...percent('F1', agreement.f1), ...(throughout === true ? {} : { limit: { atLeast: LEAST } }) },
    percent('overlap of the pairs', agreement.iou),
    { subject, measure: 'float convolutions', value: fused.float.length, unit: '' },
  ];
}

export const yolox: Benchmark = {
  name: 'yolox',
  title: 'YOLOX-Nano on roadside clips: boxes of the int8 model against those of the float model',
  method:
    `The exporter quantizes YOLOX-Nano (416x416, 113 convolutions, SiLU) on ${CALIBRATION} pictures without labels: letterboxed frames of the first half of each clip ` +
    `of the test data, or photographs of the even ImageNet classes. Float and int8 model then look at ${RATE} frames a second of the second halves. Boxes of a score from 0.3 ` +
    'on are paired when they are of one class and overlap by at least a half (IoU). Layers that alone make more than a tenth of the outputs noise stay in float, but for the ' +
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
    const files = [model];
    const figures: Figure[] = [];
    const notes = [`${expected.flat().length} boxes of the float model in ${second.length} frames`];
    for (const variant of variants) {
      place.say(variant.subject);
      const quantized = await quantizeNetwork({
        model,
        data: variant.pictures,
        preprocessing: YOLOX_PREPROCESSING,
        calibration: CALIBRATION,
        threads: 1,
        signal: place.signal,
        ...(variant.throughout === true ? { tolerance: Number.POSITIVE_INFINITY } : {}),
      });
      const file = join(place.scratch, `${variant.subject}.onnx`);
      await writeFile(file, encodeModel(quantized.model));
      files.push(file);
      figures.push(...agreementFigures(variant, quantized, boxAgreement(expected, await detectionsOf(file, second))));
      const { float } = quantized.fused;
      if (float.length > 0) notes.push(`${variant.subject}: in float ${float.map(({ name }) => name).join(', ')}`);
    }
    place.say('measuring latency');
    const [float, ...others] = await interleavedLatencies(files, [YOLOX_INPUT, YOLOX_INPUT]);
    const { size } = await stat(model);
    figures.push({ subject: 'float', measure: 'MB', value: size / 1e6, unit: '' });
    for (const [i, { subject }] of variants.entries()) {
      const bytes = (await stat(files[i + 1] ?? '')).size;
      const latency = others[i];
      figures.push({ subject, measure: 'MB', value: bytes / 1e6, unit: '' });
      figures.push({ subject, measure: 'smaller', value: size / bytes, unit: 'times' });
      if (float !== undefined && latency !== undefined)
        figures.push({ subject, measure: 'faster', value: pairedRatio(float, latency), unit: 'times' });
    }
    return { figures, notes };
  },
};
