import { MOST_PROPOSALS } from '../../motion/crops.ts';
import { motionPlacesOf } from '../../regions/regions.ts';
import { check } from '../check.ts';
import { modelLoad } from '../model-load.ts';

/** A camera that is asked for 10 and gives 9.7 by its own clock keeps its word. */
const TOLERANCE = 0.9;

export const frameRate = check({
  name: 'frame-rate',
  title: 'frames a second, achievable and asked for',
  faults: {
    'model-slow': {
      severity: 'warning',
      when: 'the model cannot keep up with what all cameras together are asked for: frames are dropped, and counted',
      remedy:
        'lower `rate` or take out regions in {path}: {share}% of what is asked for is achievable; or a smaller model (`wayside compress`), or `model.threads`',
    },
    'motion-slow': {
      severity: 'warning',
      when: 'the model keeps up, but not while as much moves before all cameras as `proposals: motion` has classified: frames are dropped then, and counted',
      remedy:
        'lower `rate` in {path}, or ask for `proposals` in `regions` only: {share}% of what is asked for is achievable; or a smaller model (`wayside compress`)',
    },
    'camera-slow': {
      severity: 'warning',
      when: 'the camera sends fewer frames than are asked for',
      remedy: 'raise the rate of this stream on the camera’s page, or lower `rate` of camera {id} in {path}',
    },
  },
  async run({ daemon, measures, signal }, { ok, skipped, fault }) {
    const { config, folder, path } = daemon;
    if (config === undefined) return skipped('the configuration cannot be read');
    const model = await measures.model({ config, folder }).catch(() => undefined);
    signal.throwIfAborted();
    if (model === undefined) return skipped('no model runs: see `model`');
    const load = modelLoad(config.cameras, model);
    const [share, moving] = [Math.min(1, 1 / load.still), Math.min(1, 1 / load.moving)];
    const percent = (part: number): string => (part * 100).toFixed(0);
    const taken = `${percent(load.still)}${load.moving > load.still ? ` to ${percent(load.moving)}` : ''}% of a thread`;
    for (const camera of config.cameras) {
      const { id, rate } = camera;
      const about = { subject: id, id, path, share: String(Math.floor((share < 1 ? share : moving) * 100)) };
      const facts = await measures.camera({ config: camera, folder }).catch(() => undefined); // see `camera`
      signal.throwIfAborted();
      const sent = facts?.framesPerSecond ?? null;
      const motion = motionPlacesOf(camera) !== undefined;
      if (share < 1) fault('model-slow', `${(rate * share).toFixed(1)} of ${rate} frames/s`, about);
      else if (moving < 1 && motion)
        fault(
          'motion-slow',
          `${(rate * moving).toFixed(1)} of ${rate} frames/s while ${MOST_PROPOSALS} things move before each such camera`,
          about,
        );
      if (sent !== null && sent < rate * TOLERANCE) fault('camera-slow', `it sends ${sent} of ${rate} frames/s`, about);
      else if (share === 1 && (moving === 1 || !motion))
        ok(`${rate} frames/s; the model takes ${taken} for all cameras`, id);
    }
  },
});
