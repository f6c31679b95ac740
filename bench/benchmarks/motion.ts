import { mapped, wilson } from '../../core/intervals.ts';
import { MotionWatch } from '../../daemon/motion/motion-watch.ts';
import type { Weather } from '../../demo/scene/weather.ts';
import type { RgbImage } from '../../inference/image.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import type { Workplace } from '../harness/workplace.ts';
import { movingStreet } from '../street/moving-street.ts';
import {
  COVERED,
  LEAST_VISIBLE,
  type LookedAtMotion,
  type MovingObject,
  movingObjects,
  newProposals,
  OWN_OVERLAP,
  settledSeconds,
  WITHIN,
} from '../street/proposed.ts';
import { CONDITIONS, seedsOf, WEATHER_OF } from '../street/street-run.ts';

const SECONDS = 48;
const EMPTY_SECONDS = 30;
const RATE = 10;
const TIMED_FRAMES = 300;

const percent = (share: number): number => 100 * share;

async function look(
  street: { readonly seed: number; readonly weather: Weather; readonly seconds: number; readonly empty?: boolean },
  place: Workplace,
): Promise<LookedAtMotion[]> {
  const motion = new MotionWatch();
  const frames: LookedAtMotion[] = [];
  for await (const frame of movingStreet({ ...street, rate: RATE }, place))
    frames.push({ ...frame, proposals: motion.update(frame.image, frame.time) });
  return frames;
}

function shares(subject: string, objects: readonly MovingObject[]): Figure[] {
  const share = (measure: string, of: (each: MovingObject) => boolean): Figure => {
    const count = objects.filter(of).length;
    return {
      subject,
      measure,
      value: percent(count / Math.max(1, objects.length)),
      unit: '%',
      ...(objects.length === 0 ? {} : { interval: mapped(wilson(count, objects.length), percent) }),
    };
  };
  return [
    { subject, measure: 'objects', value: objects.length, unit: '' },
    share('proposed', ({ any }) => any),
    share('in a box of its own', ({ own }) => own),
  ];
}

/** CPU of a frame, ms: process time, so that it waits for nobody. */
function cost(image: RgbImage): number {
  const motion = new MotionWatch();
  for (let i = 0; i < TIMED_FRAMES; i++) motion.update(image, i / RATE);
  const before = process.cpuUsage();
  for (let i = 0; i < TIMED_FRAMES; i++) motion.update(image, (TIMED_FRAMES + i) / RATE);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / TIMED_FRAMES;
}

/** Every pixel repeated. */
function enlarged({ width, height, data }: RgbImage, toWidth: number, toHeight: number): RgbImage {
  const out = new Uint8Array(toWidth * toHeight * 3);
  for (let y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      const from = 3 * (Math.floor((y * height) / toHeight) * width + Math.floor((x * width) / toWidth));
      out.set(data.subarray(from, from + 3), 3 * (y * toWidth + x));
    }
  }
  return { width: toWidth, height: toHeight, data: out };
}

export const motion: Benchmark = {
  name: 'motion',
  title: 'Motion proposals on the rendered street, beside its exact truth',
  method:
    `One street of ${SECONDS} s in each of ${CONDITIONS.length} conditions, ${RATE} frames a second, reduced to 224 x 128 pixels. An object counts where it moved by a tenth of its size within half a second, ` +
    `shows at least ${100 * LEAST_VISIBLE}% of itself, and is 6 pixels high and 2 wide; it counts once for each frame, so that intervals are too narrow by what frames have in common. ` +
    `Proposed: within ${WITHIN} frames a box covers ${100 * COVERED}% of it; in a box of its own: one whose overlap with it (IoU) is at least ${OWN_OVERLAP}. ` +
    `Empty street: ${EMPTY_SECONDS} s with traffic lights, light and weather and nobody there; a false proposal begins where none lay in the frame before. The time is that of the process, ` +
    'of a still frame that is looked at again and again.',
  layout: 'grids',
  needs: [],
  async run(place) {
    const figures: Figure[] = [];
    const all: MovingObject[] = [];
    let image: RgbImage | undefined;
    for (const condition of CONDITIONS) {
      for (const seed of seedsOf(condition, 1)) {
        place.say(`${condition}, street ${seed}`);
        const weather = WEATHER_OF[condition];
        const frames = await look({ seed, weather, seconds: SECONDS }, place);
        const objects = movingObjects(frames);
        all.push(...objects);
        figures.push(...shares(condition, objects));
        const empty = await look({ seed, weather, seconds: EMPTY_SECONDS, empty: true }, place);
        figures.push({
          subject: condition,
          measure: 'false an hour, empty street',
          value: (3600 * newProposals(empty)) / settledSeconds(empty),
          unit: '',
        });
        image ??= frames.at(-1)?.image;
      }
    }
    const classes = [...new Set(all.map((each) => each.class))];
    const slowest =
      all.map(({ speed, height }) => speed / height).sort((a, b) => a - b)[Math.floor(all.length / 4)] ?? 0;
    return {
      figures: [
        ...shares('all', all),
        ...figures,
        ...classes.flatMap((name) =>
          shares(
            name,
            all.filter((each) => each.class === name),
          ),
        ),
        ...shares(
          'slowest quarter',
          all.filter(({ speed, height }) => speed / height <= slowest),
        ),
        ...shares(
          'less than a tenth of the image high',
          all.filter(({ height }) => height < 0.1),
        ),
        ...(image === undefined
          ? []
          : [
              { subject: '224 x 128', image },
              { subject: '640 x 360', image: enlarged(image, 640, 360) },
              { subject: '1280 x 720', image: enlarged(image, 1280, 720) },
            ].map(({ subject, image: timed }): Figure => {
              return { subject, measure: 'CPU a frame', value: cost(timed), unit: 'ms', limit: { atMost: 2 } };
            })),
      ],
      notes: [
        'The lamps of the traffic lights change about 14 times a minute: on an empty street each change is something that moves.',
        'What stands still is proposed until it has been there for a third of what is remembered (half a minute), then it is the street.',
        'People who walk close together, and what drives before something else that moves, share a box.',
      ],
    };
  },
};
