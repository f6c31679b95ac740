import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { type Bar, barList } from './bars.ts';
import { bytes, integer, milliseconds, operations, percent, ratio, seconds, section, signed, table } from './html.ts';
import { sizeAgainstAccuracy } from './scatter.ts';

interface Measure {
  readonly title: string;
  readonly value: (stage: StageOutcome) => number;
  /** Second argument: the float model, where there is one to compare with. */
  readonly text: (stage: StageOutcome, float: StageOutcome | undefined) => string;
}

/** Smaller differences of latency are no news. */
const TELLING = 1.05;

function times(before: number, after: number): string {
  if (before >= TELLING * after) return ` (${ratio(before / after)}\u00d7 less)`;
  return after >= TELLING * before ? ` (${ratio(after / before)}\u00d7 more)` : '';
}

const MEASURES: readonly Measure[] = [
  {
    title: 'Top-1 accuracy',
    value: ({ top1 }) => top1,
    text: ({ top1 }, float) => percent(top1) + (float === undefined ? '' : ` (${signed(100 * (top1 - float.top1))})`),
  },
  {
    title: 'Size of the file',
    value: (stage) => stage.bytes,
    text: (stage, float) => bytes(stage.bytes) + (float === undefined ? '' : times(float.bytes, stage.bytes)),
  },
  {
    title: 'Latency',
    value: ({ latencyMs }) => latencyMs,
    text: ({ latencyMs }, float) =>
      milliseconds(latencyMs) + (float === undefined ? '' : times(float.latencyMs, latencyMs)),
  },
  {
    title: 'Operations of one image',
    value: ({ flops }) => flops ?? 0,
    text: ({ flops }, float) => operations(flops) + (flops === null || !float?.flops ? '' : times(float.flops, flops)),
  },
  {
    title: 'Parameters',
    value: ({ params }) => params,
    text: ({ params }, float) => integer(params) + (float === undefined ? '' : times(float.params, params)),
  },
  {
    title: 'Time the stage took',
    value: (stage) => stage.seconds,
    text: (stage) => seconds(stage.seconds),
  },
];

/** What every stage cost and bought: as small charts, as a table, and size against accuracy as an image. */
export function stageSection(stages: readonly StageOutcome[]): string {
  const [float] = stages;
  const charts = MEASURES.map(({ title, value, text }) => {
    const shown = stages.filter((stage) => stage !== float || value(stage) > 0);
    const bars = shown.map(
      (stage): Bar => ({
        label: stage.name,
        value: value(stage),
        text: text(stage, stage === float ? undefined : float),
      }),
    );
    return barList(title, bars);
  });
  return section({
    id: 'stages',
    title: 'What each stage cost and bought',
    body: `<div class="cards wide">${charts.join('\n')}</div>
<p>In brackets: against the float model. Operations are multiplications and additions, whatever their width; latency is the median of
one image on one thread, and changes with what else the machine does.</p>
${sizeAgainstAccuracy(stages)}
${stageTable(stages)}`,
  });
}

function stageTable(stages: readonly StageOutcome[]): string {
  return table({
    caption: 'Figures of every stage, measured on the same images',
    columns: ['Stage', 'Top-1', 'Size', 'MFLOPs', 'Parameters', 'Latency', 'Took'],
    rows: stages.map((stage) => [
      stage.name,
      percent(stage.top1),
      bytes(stage.bytes),
      stage.flops === null ? 'unknown' : (stage.flops / 1e6).toFixed(1),
      integer(stage.params),
      milliseconds(stage.latencyMs),
      stage === stages[0] ? '' : seconds(stage.seconds),
    ]),
  });
}
