import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDataset } from '../../calibration/datasets/open.ts';
import { boxAgreement } from '../../calibration/detection/agreement.ts';
import { type CountAccuracy, countAccuracy } from '../../cli/count/accuracy.ts';
import { readCountConfig } from '../../cli/count/config.ts';
import { countVideo } from '../../cli/count/count-video.ts';
import { readHandCount } from '../../cli/count/hand-count.ts';
import { openDetector } from '../../cli/count/open-detector.ts';
import { mapped, wilson } from '../../core/intervals.ts';
import { classScheme } from '../../daemon/vision/class-scheme.ts';
import { quantizeNetwork } from '../../exporter/commands/quantize-network.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import { HEADS } from '../../inference/heads/head.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import type { Workplace } from '../harness/workplace.ts';

const CALIBRATION = 64;
const SIDE = 416;
const RATE = 10;
/** Least score of a box whose agreement is measured. */
const LEAST_SCORE = 0.3;

interface ClipCount {
  readonly clip: string;
  readonly accuracy: CountAccuracy;
  /** `[frames][boxes]` */
  readonly boxes: readonly (readonly Detection[])[];
}

async function countClips(model: string, { data, signal, say }: Workplace): Promise<ClipCount[]> {
  const folder = join(data, 'video');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.counts.json')).sort();
  const { detector, labels, close } = await openDetector(model, { head: 'yolox', threads: 1 });
  try {
    const found: ClipCount[] = [];
    for (const name of names) {
      const clip = name.replace('.counts.json', '.mp4');
      say(clip);
      const { lines } = await readCountConfig(join(folder, name));
      const truth = await readHandCount(
        join(folder, name),
        lines.map(({ id }) => id),
      );
      const { scheme } = classScheme(labels);
      const boxes: Detection[][] = [];
      const recording = {
        ...detector,
        async detect(image: Parameters<typeof detector.detect>[0]) {
          const detected = await detector.detect(image);
          boxes.push(detected.detections.filter(({ score }) => score >= LEAST_SCORE));
          return detected;
        },
      };
      const options = { plan: { lines }, scheme, rate: RATE };
      const counted = await countVideo(join(folder, clip), recording, options, { signal, onProgress: () => {} });
      const { classes } = scheme;
      const { seconds } = counted;
      found.push({ clip, accuracy: countAccuracy(counted.crossings, truth, { classes, seconds }), boxes });
    }
    return found;
  } finally {
    await close();
  }
}

function figuresOf(subject: string, clips: readonly ClipCount[]): Figure[] {
  const sum = (of: (accuracy: CountAccuracy) => number): number =>
    clips.reduce((total, { accuracy }) => total + of(accuracy), 0);
  const [truth, missed, counted] = [sum((all) => all.truth), sum((all) => all.missed), sum((all) => all.counted)];
  const share = (measure: string, of: number, among: number): Figure => ({
    subject,
    measure,
    value: (100 * of) / Math.max(1, among),
    unit: '%',
    ...(among === 0 ? {} : { interval: mapped(wilson(of, among), (value) => 100 * value) }),
  });
  return [
    { subject, measure: 'by hand', value: truth, unit: '' },
    share('missed', missed, truth),
    share(
      'of its crossings, false',
      sum((all) => all.false),
      counted,
    ),
    share(
      'of those found, in another class',
      sum((all) => all.wrongClass),
      truth - missed,
    ),
  ];
}

const noteOf = (model: string, { clip, accuracy }: ClipCount): string =>
  `${model}, ${clip}: ${accuracy.truth} by hand and ${accuracy.contested} contested, ${accuracy.missed} missed, ${accuracy.false} false, ` +
  `${accuracy.wrongClass} in another class`;

export const counts: Benchmark = {
  name: 'counts',
  title: 'Crossings counted with YOLOX-Nano, float and int8, beside counts by hand',
  method:
    `The pipeline of \`wayside count\` looks at ${RATE} frames a second of each clip of the test data that has a hand count, with YOLOX-Nano in float and in int8. ` +
    `The int8 model is made by the exporter from ${CALIBRATION} photographs of the even ImageNet classes, none of the clips. Missed: no crossing of the line in that direction within a ` +
    'second; contested crossings are apart. Intervals are Wilson’s, over all clips. F1 pairs boxes of a score from 0.3 on, of one class and overlapping by at least a half (IoU), in ' +
    'all frames that were looked at. The rule for objects of unknown class, and the tracker’s limit to growth, were chosen on these clips.',
  layout: 'grid',
  needs: ['shared-data', 'ffmpeg'],
  async run(place) {
    const float = join(place.data, 'models', 'yolox_nano.onnx');
    place.say('making the int8 model');
    const quantized = await quantizeNetwork({
      model: float,
      data: await openDataset(`images:${join(place.data, 'imagenet-sample')}`, 'train', { unlabelled: true }),
      head: 'yolox',
      preprocessing: { ...HEADS.yolox.preprocessing, size: [SIDE, SIDE], layout: 'NCHW' },
      calibration: CALIBRATION,
      threads: 1,
      signal: place.signal,
    });
    const int8 = join(place.scratch, 'int8.onnx');
    await writeFile(int8, encodeModel(quantized.model));
    const inFloat = await countClips(float, place);
    const inInt8 = await countClips(int8, place);
    const boxesOf = (clips: readonly ClipCount[]): (readonly Detection[])[] => clips.flatMap(({ boxes }) => boxes);
    const agreement = boxAgreement(boxesOf(inFloat), boxesOf(inInt8));
    return {
      figures: [
        ...figuresOf('float', inFloat),
        ...figuresOf('int8', inInt8),
        { subject: 'int8', measure: 'F1 of its boxes', value: 100 * agreement.f1, unit: '%', limit: { atLeast: 97 } },
      ],
      notes: [
        ...inFloat.map((clip) => noteOf('float', clip)),
        ...inInt8.map((clip) => noteOf('int8', clip)),
        `${agreement.expected} boxes of the float model in ${boxesOf(inFloat).length} frames`,
      ],
    };
  },
};
