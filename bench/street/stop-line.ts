import { seededRandom } from '../../core/random.ts';
import { classScheme } from '../../daemon/vision/class-scheme.ts';
import type { Line } from '../../daemon/vision/line-counter.ts';
import { Traffic } from '../../daemon/vision/traffic.ts';
import type { Box } from '../../inference/image.ts';

const LINE: Line = { id: 'stop', from: [0.5, 0.9], to: [0.5, 0.4] };
const RATE = 10;
/** Shares of the image. */
const [WIDTH, HEIGHT] = [0.16, 0.14];
const ROAD = 0.7;
/** A second. */
const SPEED = 0.2;
/** Longer than a tracker keeps what it does not see: the vehicle comes back under another id. */
const HIDDEN_SECONDS = 2.5;

interface StopLineResult {
  readonly waits: number;
  readonly counted: number;
  /** Waits that were counted never, more than once or backward. */
  readonly wrong: number;
  /** Ids that the tracker gave beyond one a vehicle. */
  readonly idSwitches: number;
}

/**
 * Vehicles that drive up to a line, wait on it and drive on. While each waits it is hidden two to five times for longer than the tracker
 * remembers, and its box trembles by a fiftieth of its size. Truth: each passes once, forward.
 */
export function stopLine(waits: number, seed: number): StopLineResult {
  const random = seededRandom(seed);
  const traffic = new Traffic({ lines: [LINE] }, classScheme(['car']).scheme, 16 / 9);
  let [time, counted, wrong, idSwitches] = [0, 0, 0, 0];
  for (let wait = 0; wait < waits; wait++) {
    // It stops with its ground point on the line, give or take a fifth of its width.
    const stops = 0.5 + 0.2 * WIDTH * (2 * random.next() - 1);
    const hidden = 2 + random.below(4);
    const standing = hidden * 6 + 4 * random.next();
    const arrival = (stops + WIDTH / 2) / SPEED;
    const leaves = arrival + standing;
    const ids = new Set<number>();
    let [forward, backward] = [0, 0];
    for (let t = 0; t < leaves + 4; t += 1 / RATE) {
      const at = t < arrival ? SPEED * t - WIDTH / 2 : t < leaves ? stops : stops + SPEED * (t - leaves);
      const phase = (t - arrival - 2) % 6;
      const isHidden = t > arrival + 2 && t < leaves && phase < HIDDEN_SECONDS && (t - arrival - 2) / 6 < hidden;
      const tremble = (): number => 0.02 * random.normal();
      const box: Box = [
        at - WIDTH / 2 + WIDTH * tremble(),
        ROAD - HEIGHT + HEIGHT * tremble(),
        WIDTH * (1 + tremble()),
        HEIGHT * (1 + tremble()),
      ];
      const seen = !isHidden && at < 1 ? [{ box, classIndex: 0, score: 0.5 + 0.4 * random.next() }] : [];
      time += 1 / RATE;
      const { crossings, objects } = traffic.update(seen, time);
      for (const { id } of objects) ids.add(id);
      for (const { direction } of crossings) direction === 'forward' ? forward++ : backward++;
    }
    counted += forward + backward;
    idSwitches += ids.size - 1;
    if (forward !== 1 || backward !== 0) wrong++;
    time += 5;
  }
  return { waits, counted, wrong, idSwitches };
}
