import type { StageEntry } from '../../core/run/stage-log.ts';
import type { QuantizedModel } from '../pipeline/quantize-by-plan.ts';
import type { CompressResult } from '../pipeline/results.ts';
import type { PruneRecord } from '../prune-finetune/outcome.ts';
import type { LabelledPredictions } from '../verify/class-changes.ts';
import type { DistinctWeights } from '../verify/distinct-weights.ts';
import type { LayerErrors } from '../verify/layer-errors.ts';
import { barList } from './bars.ts';
import { classSection } from './classes.ts';
import { decisionSection } from './decisions.ts';
import { escaped, seconds, section } from './html.ts';
import { layerSections } from './layers.ts';
import { pruningSections } from './pruning.ts';
import { stageSection } from './stages.ts';
import { REPORT_STYLE } from './style.ts';
import { summary } from './summary.ts';
import { uniqueSection } from './unique.ts';

export interface ReportInput {
  readonly name: string;
  /** What made it and on what: versions, processor. */
  readonly made: string;
  readonly result: CompressResult;
  readonly quantized: QuantizedModel;
  readonly stages: readonly StageEntry[];
  readonly pruning: PruneRecord | undefined;
  /** Answers of the float and of the compressed model to the test images. */
  readonly answers: { readonly before: LabelledPredictions; readonly after: LabelledPredictions };
  /** Names of the classes. */
  readonly labels: readonly string[] | undefined;
  readonly errors: LayerErrors;
  readonly distinct: DistinctWeights;
}

/**
 * One HTML page that needs nothing else, no network and no script: what each stage cost and bought, which classes and layers
 * lost, and what was decided. Fits a telephone, a screen, and paper.
 */
export function renderReport(input: ReportInput): string {
  const { name, made, result, quantized, pruning, answers } = input;
  const body = [
    stageSection(result.stages),
    classSection(answers.before, answers.after, input.labels),
    ...(pruning === undefined ? [] : [pruningSections(pruning)]),
    uniqueSection(input.distinct),
    layerSections(quantized, input.errors),
    decisionSection(quantized, result),
    timeSection(input.stages),
  ].join('\n');
  return htmlPage(name, `${summary(result)}\n<p>${escaped(made)}</p>`, body);
}

/** @param lead what stands above the contents; markup, as is `body` */
export const htmlPage = (name: string, lead: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escaped(name)}: compression report</title><style>${REPORT_STYLE}</style></head><body><main>
<header><h1>${escaped(name)}</h1>
${lead}
${contents(body)}</header>
${body}
</main></body></html>
`;

export const timeSection = (stages: readonly StageEntry[]): string =>
  section({ id: 'time', title: 'Time', body: timeList(stages) });

/** Links to the sections that there are. */
function contents(body: string): string {
  const links = [...body.matchAll(/<section id="([^"]+)".*?<h2[^>]*>([^<]+)<\/h2>/gs)].map(
    ([, id, title]) => `<li><a href="#${id}">${title}</a></li>`,
  );
  return `<nav aria-label="Contents"><ul>${links.join('')}</ul></nav>`;
}

const timeList = (stages: readonly StageEntry[]): string =>
  barList(
    'Wall clock of each part of the run, measuring included',
    stages.map(({ name, milliseconds }) => ({
      label: name,
      value: milliseconds,
      text: seconds(milliseconds / 1000),
    })),
  );
