import { check } from '../check.ts';

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
    const busyMs = (camera: (typeof config.cameras)[number]): number =>
      camera.rate * Math.max(1, camera.regions.length) * model.regionMs;
    const load = config.cameras.reduce((sum, camera) => sum + busyMs(camera), 0) / 1000;
    const share = Math.min(1, 1 / load);
    for (const camera of config.cameras) {
      const { id, rate } = camera;
      const about = { subject: id, id, path, share: String(Math.floor(share * 100)) };
      const facts = await measures.camera({ config: camera, folder }).catch(() => undefined); // see `camera`
      signal.throwIfAborted();
      const sent = facts?.framesPerSecond ?? null;
      if (share < 1) fault('model-slow', `${(rate * share).toFixed(1)} of ${rate} frames/s`, about);
      if (sent !== null && sent < rate * TOLERANCE) fault('camera-slow', `it sends ${sent} of ${rate} frames/s`, about);
      else if (share === 1)
        ok(`${rate} frames/s; the model takes ${(load * 100).toFixed(0)}% of a thread for all cameras`, id);
    }
  },
});
