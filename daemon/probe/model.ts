import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { asWaysideError, WaysideError } from '../../core/errors.ts';
import { WHOLE_FRAME } from '../../inference/image.ts';
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
  /** Median of one region, preparation included, ms. */
  readonly regionMs: number;
}

/** As large as the frames that decoders deliver. */
const FRAME = { width: 640, height: 360 };
const MEASURING_MS = 1500;
const FEWEST_RUNS = 9;

/**
 * Admits what this configuration runs, has it reproduce its golden samples, and times it.
 *
 * @throws {WaysideError} why nothing there can run: as `admitPackage` and `loadModel`
 */
export async function probeModel(settings: ModelSettings): Promise<ModelFacts> {
  const { threads, provider } = settings.config.model;
  let first: WaysideError | undefined;
  for (const place of await modelPlaces(settings)) {
    try {
      const { dir } = await admitPlace(place, settings);
      const model = await loadModel(dir, { threads, provider });
      const [height, width] = model.manifest.preprocessing.size;
      return {
        model: model.identity,
        place: place.name,
        fallenBack: first === undefined ? null : `${first.code}: ${first.message}`,
        purpose: model.manifest.purpose ?? null,
        size: [height, width],
        regionMs: await regionMs(model),
      };
    } catch (thrown) {
      first ??= asWaysideError(thrown);
    }
  }
  throw first ?? new WaysideError('FILE_NOT_FOUND', { message: 'no model package is there' });
}

async function regionMs(model: FrameModel): Promise<number> {
  const frame = { ...FRAME, data: new Uint8Array(FRAME.width * FRAME.height * 3).fill(128) };
  const times: number[] = [];
  const until = performance.now() + MEASURING_MS;
  while (performance.now() < until || times.length < FEWEST_RUNS) {
    const { preprocessMs, runMs } = await model.analyse(frame, { boxes: [WHOLE_FRAME], topK: 1, threshold: 0 });
    times.push(preprocessMs + runMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
}
