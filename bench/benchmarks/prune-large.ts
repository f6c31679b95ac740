import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { type PruneReport, waysidePrune, waysideStopped } from '../harness/process/child.ts';
import type { Workplace } from '../harness/workplace.ts';
import { buildResNet50 } from '../networks/resnet50.ts';

const SEED = 7;
const GOAL = 0.3;
const THREADS = 2;
/** Test images to measure on: one thread runs them, and a random network has no accuracy to measure. */
const LIMIT = 16;
const CRITERIA = ['l1', 'damage'] as const;
/** When SIGTERM comes, as shares of the time that a whole run took: channels are judged, and layers solved. */
const STOPS = [0.3, 0.7];

const MOST_SECONDS = 180;
const MOST_MEMORY_MB = 3000;
const MOST_SECONDS_TO_STOP = 1;

function figuresOf(subject: string, { stages }: PruneReport): Figure[] {
  const float = stages.find(({ name }) => name === 'float');
  return stages
    .filter((stage) => stage !== float)
    .flatMap(({ name, seconds, flops }): Figure[] => [
      { subject, measure: `${name}, time`, value: seconds, unit: 's' },
      ...(name === 'prune' && float !== undefined
        ? [{ subject, measure: 'fewer operations', value: 100 * (1 - flops / float.flops), unit: '%' }]
        : []),
    ]);
}

async function measure(model: string, criterion: (typeof CRITERIA)[number], place: Workplace): Promise<Figure[]> {
  const subject = `ResNet50, ${criterion}`;
  const options = (out: string): string[] => [
    model,
    ...['--data', `images:${join(place.data, 'imagenet-sample')}`, '--out', join(place.scratch, out)],
    ...['--flops', String(GOAL), '--criterion', criterion],
    ...['--threads', String(THREADS), '--limit', String(LIMIT)],
  ];
  place.say(`pruning by ${criterion}`);
  const { report, run } = await waysidePrune(options(`${criterion}.onnx`), place);
  const stops: number[] = [];
  for (const share of STOPS) {
    place.say(`stopping it after ${share * 100}% of its time`);
    const args = ['prune', ...options(`${criterion}-${share}.onnx`)];
    const seconds = await waysideStopped(args, share * run.wallSeconds, place);
    if (seconds !== undefined) stops.push(seconds);
  }
  return [
    { subject, measure: 'time', value: run.wallSeconds, unit: 's', limit: { atMost: MOST_SECONDS } },
    { subject, measure: 'CPU time', value: run.cpuSeconds, unit: 's' },
    { subject, measure: 'peak memory', value: run.peakBytes / 1e6, unit: 'MB', limit: { atMost: MOST_MEMORY_MB } },
    {
      subject,
      measure: 'SIGTERM obeyed after, worst',
      value: Math.max(...stops),
      unit: 's',
      limit: { atMost: MOST_SECONDS_TO_STOP },
    },
    ...figuresOf(subject, report),
  ];
}

export const pruneLarge: Benchmark = {
  name: 'prune-large',
  title: "Pruning a network of ResNet50's size at 224x224",
  method:
    `\`wayside prune --flops ${GOAL} --threads ${THREADS}\` with the criteria l1 and damage, the default, on a network of ResNet50's shape with random weights, judged ` +
    'and solved anew on the photographs of the training part of the test data. The time is that of the whole command, from reading the file to measuring the result; CPU time is user and system of all ' +
    `threads. The same command is started again and sent SIGTERM after ${STOPS.map((share) => `${share * 100}%`).join(' and ')} of that time.`,
  layout: 'list',
  needs: ['shared-data'],
  async run(place) {
    const model = join(place.scratch, 'resnet50.onnx');
    await writeFile(model, encodeModel(buildResNet50(SEED)));
    const figures: Figure[] = [];
    for (const criterion of CRITERIA) figures.push(...(await measure(model, criterion, place)));
    return { figures, notes: [`measured on ${LIMIT} test images after each stage, on one thread`] };
  },
};
