import { Command, Option } from 'commander';
import type { PositionRange } from '../../calibration/datasets/ranges.ts';
import { wilson } from '../../core/intervals.ts';
import { bytes, count, milliseconds, percent, shareInterval } from '../format.ts';
import {
  dataOption,
  integer,
  outputOption,
  type PixelOptions,
  pixelOptions,
  positionRanges,
  threadsOption,
} from '../options/common.ts';
import { type Context, running } from '../running.ts';
import { table } from '../table.ts';

interface EvaluateOptions extends PixelOptions {
  readonly data: string;
  readonly validation?: readonly PositionRange[];
  readonly test?: readonly PositionRange[];
  readonly limit?: number;
  readonly threads: number;
  readonly output?: string;
  readonly reference?: string;
  readonly boxes?: string;
}

export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .summary('measure accuracy, latency and size of a model')
    .description(
      'Measures a model or model package on the test part of a data set, in ONNX Runtime: top-1, top-5, latency of one image on one thread, bytes. ' +
        'A detector is measured beside its float model on any images (--reference): F1 of its boxes, their overlap.',
    )
    .argument('<model>', 'ONNX file or folder of a model package')
    .addOption(dataOption())
    .addOption(
      new Option(
        '--validation <range>',
        'measure on these images of the training part instead: positions FROM-TO, such as 37500-40000 for 37,500 to 39,999',
      )
        .argParser(positionRanges)
        .conflicts('test'),
    )
    .addOption(
      new Option(
        '--test <range>',
        'measure on these images of the test part: positions FROM-TO (default: all)',
      ).argParser(positionRanges),
    )
    .addOption(
      new Option('--limit <n>', 'images to use, spread evenly over the set (default: all)').argParser(integer(1)),
    )
    .addOption(outputOption('output of the model that holds the scores (default: the first)'))
    .addOption(
      new Option(
        '--reference <model>',
        'float ONNX file that the package of a detector was made from: how its boxes agree with those',
      ),
    )
    .addOption(
      new Option(
        '--boxes <file>',
        "labelled boxes of the images in COCO's JSON form: the mean average precision of a detector",
      ),
    )
    .addOption(threadsOption());
  for (const option of pixelOptions()) command.addOption(option);
  return command.action(running(evaluateModel));
}

async function evaluateModel(context: Context, path: string, options: EvaluateOptions): Promise<void> {
  const [
    { preprocessingFor },
    { openModel },
    { openDataset },
    { rangeOf },
    { evaluate },
    { openSession },
    { latencyApart },
    { nearChance },
  ] = await Promise.all([
    import('../pixels.ts'),
    import('../../inference/package.ts'),
    import('../../calibration/datasets/open.ts'),
    import('../../calibration/datasets/part.ts'),
    import('../../calibration/evaluate.ts'),
    import('../../inference/session.ts'),
    import('../../inference/latency-apart.ts'),
    import('../../exporter/verify/doubts.ts'),
  ]);
  const { signal, onProgress, report, note } = context;
  const model = await openModel(path);
  if (model.package?.manifest.task === 'detector' || (options.reference ?? options.boxes) !== undefined) {
    const { evaluateDetector } = await import('../detector/evaluate.ts');
    return evaluateDetector(context, path, model, options);
  }
  const { validation, test = validation, labels } = options;
  const whole = await openDataset(
    options.data,
    validation === undefined ? 'test' : 'train',
    labels === undefined ? {} : { labels },
  );
  const dataset = test === undefined ? whole : rangeOf(whole, test);
  const session = await openSession(model.modelPath, { threads: options.threads });
  try {
    const preprocessing = await preprocessingFor(model, session, options, note);
    const answered: { labels: number[]; predicted: number[] } = { labels: [], predicted: [] };
    const { top1, top5, samples } = await evaluate(session, dataset, {
      preprocessing,
      output: options.output,
      limit: options.limit,
      needsNumbers: true,
      onOutcome: ({ label, predicted }) => {
        answered.labels.push(label);
        answered.predicted.push(predicted);
      },
      signal,
      onProgress,
    });
    const latencyMs = await latencyApart(model.modelPath, preprocessing, { signal });
    const { low, high } = wilson(Math.round(top1 * samples), samples);
    const doubt = nearChance(answered);
    if (doubt !== undefined) note(`warning: ${doubt}`);
    const warnings = doubt === undefined ? {} : { warnings: [doubt] };
    const document = { top1, top1Interval: [low, high], top5, samples, latencyMs, bytes: model.bytes, ...warnings };
    report({ document, text: summary(document) });
  } finally {
    await session.close();
  }
}

interface Figures {
  readonly top1: number;
  readonly top5: number;
  readonly samples: number;
  readonly latencyMs: number;
  readonly bytes: number;
}

const summary = (figures: Figures): string =>
  table([
    ['top-1', `${percent(figures.top1)} (95 %: ${shareInterval(figures.top1, figures.samples)})`],
    ['top-5', percent(figures.top5)],
    ['images', count(figures.samples)],
    ['latency', `${milliseconds(figures.latencyMs)}, one image on one thread`],
    ['size', bytes(figures.bytes)],
  ]);
