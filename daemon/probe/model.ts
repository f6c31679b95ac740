import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { asWaysideError, WaysideError } from '../../core/errors.ts';
import { isFindingTask } from '../../inference/heads/any-head.ts';
import { WHOLE_FRAME } from '../../inference/image.ts';
import type { TASKS } from '../../inference/manifest.ts';
import type { FrameModel } from '../inference/frame-model.ts';
import { loadModel } from '../inference/load-model.ts';
import { admitPlace } from '../model/choice.ts';
import { type ModelSettings, modelPlaces } from '../model/places.ts';

export interface ModelFacts {
  readonly model: ModelIdentity;
  /** Where it lies, as a person would say it. */
  readonly place: string;
  /** Why what is preferred does not run; null where it does. */
  readonly fallenBack: string | null;
  readonly purpose: 'demonstration' | null;
  /** `[height, width]` of its input. */
  readonly size: readonly [number, number];
  readonly task: (typeof TASKS)[number];
  /** Median of one region, or of a frame in which objects are found, preparation included, ms. */
  readonly regionMs: number;
  /** Median of several regions of one frame; null where no more than one was asked for, or none are classified. */
  readonly batch: { readonly regions: number; readonly ms: number } | null;
}

export interface ModelQuestion extends ModelSettings {
  /** The most regions of one frame. @default 1 */
  readonly regions?: number;
}

/** As large as the frames that decoders deliver. */
const FRAME = { width: 640, height: 360 };
const MEASURING_MS = 1500;
const FEWEST_RUNS = 9;
/** Of a batch: it may take as long as all regions after each other. */
const FEWEST_BATCHES = 3;

/**
 * Admits what this configuration runs, has it reproduce its golden samples, and times it.
 *
 * @throws {WaysideError} why nothing there can run: as `admitPackage` and `loadModel`
 */
export async function probeModel({ regions = 1, ...settings }: ModelQuestion): Promise<ModelFacts> {
  const { threads, provider } = settings.config.model;
  let first: WaysideError | undefined;
  for (const place of await modelPlaces(settings)) {
    try {
      const { dir } = await admitPlace(place, settings);
      const model = await loadModel(dir, { threads, provider });
      const { preprocessing, task = 'classification', purpose = null } = model.manifest;
      const [height, width] = preprocessing.size;
      return {
        model: model.identity,
        place: place.name,
        fallenBack: first === undefined ? null : `${first.code}: ${first.message}`,
        purpose,
        size: [height, width],
        task,
        regionMs: await medianMs(model, 1),
        batch: regions > 1 && !isFindingTask(task) ? { regions, ms: await medianMs(model, regions) } : null,
      };
    } catch (thrown) {
      first ??= asWaysideError(thrown);
    }
  }
  throw first ?? new WaysideError('FILE_NOT_FOUND', { message: 'no model package is there' });
}

async function medianMs(model: FrameModel, regions: number): Promise<number> {
  const boxes = Array.from({ length: regions }, () => WHOLE_FRAME);
  const fewest = regions === 1 ? FEWEST_RUNS : FEWEST_BATCHES;
  const frame = { ...FRAME, data: new Uint8Array(FRAME.width * FRAME.height * 3).fill(128) };
  const times: number[] = [];
  const until = performance.now() + MEASURING_MS;
  while (performance.now() < until || times.length < fewest) {
    const { preprocessMs, runMs } = await model.analyse(frame, { boxes, topK: 1, threshold: 0 });
    times.push(preprocessMs + runMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}
