import { basename } from 'node:path';
import { digestOf, digestOfFile } from '../../core/hash.ts';
import type { Identity } from '../../core/identity/key.ts';
import { VERSION } from '../../core/layout.ts';
import type { ProgressListener } from '../../core/progress.ts';
import type { CountConfig } from '../count/config.ts';
import { schemeFor } from '../count/document.ts';
import type { OpenedDetector } from '../count/open-detector.ts';
import type { Clip } from './clips.ts';
import { type CountedClip, countClip, readyClip } from './count-clip.ts';
import { acceptancePage } from './page.ts';
import { scatter } from './scatter.ts';
import { conditionsOf, judged, type Limits, notReached, STEPS, sumOf } from './steps.ts';
import { type Step, signedVerdict, type Verdict } from './verdict.ts';

interface AcceptOptions extends Limits {
  readonly config: CountConfig | undefined;
  readonly rate: number;
  /** Whether the steps after a failure are gone through as well. */
  readonly all: boolean;
  /** Steps that must not be left unjudged. */
  readonly required: readonly string[];
  readonly identity: Identity;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

interface Acceptance {
  readonly verdict: Verdict;
  /** Of `verdict`, as it is signed. */
  readonly text: string;
  readonly signature: string;
  /** HTML. */
  readonly page: string;
  /** What the model does not know of what is asked for. */
  readonly warnings: readonly string[];
}

const PAGE = 'index.html';
const SEGMENT_SECONDS = 60;
/** Without them nothing was accepted, whatever else passed. */
const ALWAYS_REQUIRED = ['volume', 'crossings'];

/**
 * Judges a detector by clips with hand counts, step by step, and signs what was found. Clips are counted when a step first needs them.
 *
 * @throws {WaysideError} what reading hand counts and videos, and running the model throws
 */
export async function accept(
  clips: readonly Clip[],
  { detector, labels, model }: Pick<OpenedDetector, 'detector' | 'labels' | 'model'>,
  options: AcceptOptions,
): Promise<Acceptance> {
  const startedAt = new Date().toISOString();
  const { config, rate, limit, certainty, identity, signal, onProgress } = options;
  const ready = await Promise.all(clips.map((clip) => readyClip(clip, config)));
  const { scheme, warnings } = schemeFor(labels, config?.classes, model);
  const segmentSeconds = config?.intervalSeconds ?? SEGMENT_SECONDS;
  const counted = new Map<string, CountedClip>();
  const steps: Step[] = [];
  for (const plan of STEPS) {
    if (!options.all && steps.some(({ status }) => status === 'failed')) {
      steps.push(notReached(plan, limit));
      continue;
    }
    const shown = ready.filter(plan.shows);
    for (const clip of shown) {
      if (counted.has(clip.handCount)) continue;
      const tell: ProgressListener = ({ detail = '' }) =>
        onProgress({ stage: `${plan.name}: ${clip.name}`, done: counted.size, total: ready.length, detail });
      counted.set(
        clip.handCount,
        await countClip(clip, { detector, scheme, rate, segmentSeconds }, { signal, onProgress: tell }),
      );
    }
    const found = shown.map((clip) => counted.get(clip.handCount)).filter((clip) => clip !== undefined);
    steps.push(judged(plan, found, { limit, certainty }));
  }
  const seen = [...counted.values()];
  const unsigned = {
    schema: 'wayside/acceptance/1' as const,
    startedAt,
    endedAt: new Date().toISOString(),
    wayside: VERSION,
    ...outcomeOf(steps, [...ALWAYS_REQUIRED, ...options.required]),
    model: {
      name: model.package?.manifest.name ?? basename(model.modelPath),
      version: model.package?.manifest.version ?? null,
      digest: model.package?.digest ?? (await digestOfFile(model.modelPath)),
    },
    rate,
    classes: [...scheme.classes],
    limit,
    certainty,
    steps,
    conditions: conditionsOf(seen),
    accuracy: accuracyOf(seen),
    clips: seen.map(({ record }) => record),
    key: { publicKey: identity.publicKey.spki, thumbprint: identity.publicKey.thumbprint },
  };
  const page = acceptancePage(unsigned, seen);
  const verdict: Verdict = { ...unsigned, page: { file: PAGE, digest: digestOf(page) } };
  return { verdict, ...signedVerdict(verdict, identity), page, warnings };
}

function outcomeOf(steps: readonly Step[], required: readonly string[]): Pick<Verdict, 'verdict' | 'because'> {
  const failed = steps.filter(({ status }) => status === 'failed');
  if (failed.length > 0)
    return { verdict: 'refused', because: failed.map(({ title, seen }) => `${title}: ${seen}`).join('; ') };
  const missing = steps.filter(({ name, status }) => status === 'not-judged' && required.includes(name));
  if (missing.length > 0)
    return {
      verdict: 'refused',
      because: `not shown by any clip: ${missing.map(({ title, seen }) => `${title} (${seen})`).join('; ')}`,
    };
  const unjudged = steps.filter(({ status }) => status === 'not-judged').map(({ title }) => title);
  const limits = unjudged.length === 0 ? '' : `; not judged: ${unjudged.join(', ')}`;
  return { verdict: 'accepted', because: `every step that the clips show was passed${limits}` };
}

/** As Telraam publishes it: whole samples, weighed by traffic, and how alike devices count one window. */
function accuracyOf(clips: readonly CountedClip[]): Verdict['accuracy'] {
  const names = [...new Set(clips.flatMap(({ accuracy }) => accuracy.classes.map((each) => each.class)))];
  const windows = [...new Set(clips.flatMap(({ record }) => record.window ?? []))];
  return {
    sample: mean(clips.map(({ accuracy }) => [accuracy.sample, 1])),
    trafficWeighted: mean(clips.map(({ accuracy }) => [accuracy.trafficWeighted, accuracy.truth])),
    classes: names.map((name) => {
      const of = clips.flatMap(({ accuracy }) => accuracy.classes.filter((each) => each.class === name));
      return {
        class: name,
        ...sumOf(of),
        sample: mean(of.map(({ sample }) => [sample, 1])),
        trafficWeighted: mean(of.map(({ trafficWeighted, truth }) => [trafficWeighted, truth])),
      };
    }),
    scatter: windows.map((window) => {
      const counts = clips.filter(({ record }) => record.window === window).map(({ record }) => record.counted);
      return { window, devices: counts.length, scatter: scatter(counts) };
    }),
  };
}

/** Of what is known. */
function mean(values: readonly (readonly [value: number | null, weight: number])[]): number | null {
  const known = values.filter((each): each is [number, number] => each[0] !== null && each[1] > 0);
  const weight = known.reduce((sum, each) => sum + each[1], 0);
  return weight === 0 ? null : known.reduce((sum, [value, share]) => sum + value * share, 0) / weight;
}
