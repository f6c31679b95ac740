import { asWaysideError } from '../../../core/errors.ts';
import { isFindingTask } from '../../../inference/heads/any-head.ts';
import { check } from '../check.ts';

export const model = check({
  name: 'model',
  title: 'model package: whole, and reproducing its golden samples',
  faults: {
    missing: {
      severity: 'failure',
      when: 'there is no package, or none that the user `wayside` may read',
      remedy:
        '`wayside store status --store {store}`; to bring one by hand: `wayside store import`; or correct `model` in {path}',
    },
    damaged: {
      severity: 'failure',
      when: 'the package is incomplete, altered, not signed by a key that is asked for, or does not load',
      remedy: 'bring it anew: `wayside store import`, or a rollout; meanwhile `wayside store rollback`',
    },
    differs: {
      severity: 'failure',
      when: 'it does not reproduce its golden samples: this processor computes something else than was measured',
      remedy:
        'make a package for this processor: `wayside compress` without `--target`; meanwhile `wayside store rollback`',
    },
    'fallen-back': {
      severity: 'warning',
      when: 'the package that should run cannot, and another one runs in its place',
      remedy: '`wayside store status --store {store}` says which is damaged; bring it anew by a rollout',
    },
    demonstration: {
      severity: 'warning',
      when: 'it was made for a rendered street: what it says of a real one is worth nothing, and the box is `degraded`',
      remedy:
        'a model of your own: `wayside compress`, then `wayside store import`, its name as `model.name` in {path}; a rollout brings those after it',
    },
  },
  async run({ daemon, measures, signal }, { ok, skipped, fault }) {
    const { config, folder, path } = daemon;
    if (config === undefined) return skipped('the configuration cannot be read');
    const about = { path, store: config.model.store ?? '/var/lib/wayside-models' };
    try {
      const { model: found, place, fallenBack, purpose, task, regionMs } = await measures.model({ config, folder });
      const { name, version } = found;
      const seen = `${name} ${version} (${place}), ${regionMs.toFixed(1)} ms a ${isFindingTask(task) ? 'frame' : 'region'}`;
      const demonstration = purpose !== null && !config.demonstration;
      if (fallenBack !== null) fault('fallen-back', `${seen} in place of one with ${fallenBack}`, about);
      if (demonstration) fault('demonstration', seen, about);
      if (fallenBack === null && !demonstration) ok(seen);
    } catch (thrown) {
      signal.throwIfAborted();
      const { code, message } = asWaysideError(thrown);
      if (code === 'GOLDEN_MISMATCH') fault('differs', message, about);
      else fault(code === 'FILE_NOT_FOUND' ? 'missing' : 'damaged', `${code}: ${message}`, about);
    }
  },
});
