import type { RgbImage } from '../../inference/image.ts';
import { boundsOf, createSurround, type Polygon } from '../../inference/polygon.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../../inference/preprocess.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';

const IMAGE = { width: 1280, height: 720 };
const ROUNDS = 5;
const TIMED = 100;

const PREPROCESSING: Preprocessing = {
  size: [224, 224],
  resize: 'stretch',
  crop: 'none',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  layout: 'NCHW',
  channels: 'RGB',
};

/** A circle of corners that touches the sides of a box: 79% of it. */
const round = (corners: number, [x, y, width, height]: readonly [number, number, number, number]): Polygon =>
  Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners;
    return [x + (width / 2) * (1 + Math.cos(angle)), y + (height / 2) * (1 + Math.sin(angle))] as const;
  });

const SUBJECTS: readonly (readonly [subject: string, polygon: Polygon])[] = [
  ['whole image, 8 corners', round(8, [0, 0, 1, 1])],
  ['whole image, 64 corners', round(64, [0, 0, 1, 1])],
  ['a lane of half the width and height, 8 corners', round(8, [0.25, 0.5, 0.5, 0.5])],
];

/** Least CPU of one call over rounds, ms: what else the machine does only adds. */
function cost(times: number, act: () => void): number {
  const each = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < times; i++) act();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / times;
  });
  return Math.min(...each);
}

export const regions: Benchmark = {
  name: 'regions',
  title: 'Regions of a camera that are polygons, beside the boxes around them',
  method:
    `Regions of one image of ${IMAGE.width} x ${IMAGE.height} random pixels, scaled to ${PREPROCESSING.size.join(' x ')} and normalised: as boxes, and as polygons in them, outside of which ` +
    `nothing is shown. CPU time of the process, the least mean of ${ROUNDS} rounds of ${TIMED}. Rasterized: what a polygon costs once for a configuration and a size of images.`,
  layout: 'grid',
  needs: [],
  async run() {
    const data = Uint8Array.from({ length: IMAGE.width * IMAGE.height * 3 }, (_, i) => (i * 2_654_435_761) >>> 24);
    const image: RgbImage = { ...IMAGE, data };
    const out = new Float32Array(inputLength(PREPROCESSING));
    const preprocess = createPreprocessor(PREPROCESSING);
    const surround = createSurround(PREPROCESSING);
    const figures = SUBJECTS.flatMap(([subject, polygon]): Figure[] => {
      const box = boundsOf(polygon);
      const asBox = (): void => preprocess(image, box, out, 0);
      const asPolygon = (): void => preprocess(surround(image, polygon), box, out, 0);
      cost(TIMED, asBox);
      cost(TIMED, asPolygon);
      const [plain, masked] = [cost(TIMED, asBox), cost(TIMED, asPolygon)];
      const rasterized = cost(TIMED, () => surround(image, [...polygon])) - cost(TIMED, () => surround(image, polygon));
      return [
        { subject, measure: 'box', value: plain, unit: 'ms' },
        { subject, measure: 'polygon', value: masked, unit: 'ms' },
        { subject, measure: 'more', value: masked - plain, unit: 'ms', limit: { atMost: 1 } },
        { subject, measure: 'rasterized, once', value: rasterized, unit: 'ms' },
      ];
    });
    return { figures, notes: [] };
  },
};
