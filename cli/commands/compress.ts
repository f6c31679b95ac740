import { Command, Option } from 'commander';
import type { CompressResult } from '../../exporter/compress.ts';
import { bytes, count, milliseconds, percent, points, ratio } from '../format.ts';
import { dataOption, integer, type PixelOptions, pixelOptions } from '../options.ts';
import { type Context, running } from '../running.ts';
import { table } from '../table.ts';

interface CompressOptions extends PixelOptions {
  readonly data: string;
  readonly out: string;
  readonly calibration: number;
  readonly clusters?: number;
  readonly seed: number;
  readonly range?: RangeMethod;
  readonly target?: string;
  readonly limit?: number;
  readonly name?: string;
  readonly allowFloat?: true;
  readonly force?: true;
}

const RANGES = ['min-max', 'percentile', 'mse', 'entropy'] as const;
type RangeMethod = (typeof RANGES)[number];

export function compressCommand(): Command {
  const command = new Command('compress')
    .summary('turn a float ONNX classifier into an int8 model package')
    .description(
      'Turns a float ONNX classifier into a model package with a calibrated int8 model, its weights clustered if asked for. ' +
        'Both models are measured on the test part of the data set, in ONNX Runtime.',
    )
    .argument('<model>', 'float ONNX file')
    .addOption(dataOption())
    .addOption(new Option('--out <folder>', 'folder of the package').makeOptionMandatory())
    .addOption(
      new Option('--calibration <n>', 'pictures of the training part to calibrate on')
        .argParser(integer(1))
        .default(512),
    )
    .addOption(
      new Option('--clusters <k>', 'distinct weights a layer, 2 to 256 (default: not clustered)').argParser(
        integer(2, 256),
      ),
    )
    .addOption(
      new Option('--seed <n>', 'seed of everything drawn at random').argParser(integer(0, 2 ** 32 - 1)).default(1),
    )
    .addOption(new Option('--range <method>', 'how ranges of activations are chosen').choices(RANGES))
    .addOption(
      new Option('--limit <n>', 'test pictures to measure on, spread evenly (default: all)').argParser(integer(1)),
    )
    .addOption(new Option('--name <name>', 'name of the package (default: that of the file)'))
    .addOption(new Option('--allow-float', 'accept convolutions and matrix products that stay in float'))
    .addOption(new Option('--force', 'replace the output folder'));
  for (const option of pixelOptions()) command.addOption(option);
  return command.action(running(compressModel));
}

async function compressModel(context: Context, model: string, options: CompressOptions): Promise<void> {
  const { compress } = await import('../../exporter/compress.ts');
  const result = await compress({ model, ...options, signal: context.signal, onProgress: context.onProgress });
  context.report({ document: documentOf(result), text: summary(result) });
}

/** The shape other tools rely on: docs/cli.md. */
const documentOf = ({ package: folder, baseline, candidate, uniqueWeights, fused }: CompressResult) => ({
  package: folder,
  baseline,
  candidate,
  uniqueWeights,
  fused,
});

function summary(result: CompressResult): string {
  const { baseline, candidate, uniqueWeights, fused } = result;
  const rows = [
    ['', 'float', 'compressed', 'change'],
    ['top-1', percent(baseline.top1), percent(candidate.top1), points(baseline.top1, candidate.top1)],
    [
      'size',
      bytes(baseline.bytes),
      bytes(candidate.bytes),
      ratio(baseline.bytes, candidate.bytes, 'smaller', 'larger'),
    ],
    [
      'latency',
      milliseconds(baseline.latencyMs),
      milliseconds(candidate.latencyMs),
      ratio(baseline.latencyMs, candidate.latencyMs, 'faster', 'slower'),
    ],
    ['distinct weights', count(uniqueWeights.before), count(uniqueWeights.after), ''],
  ];
  const left = fused.float.length;
  return [
    table(rows, ['left', 'right', 'right']),
    '',
    `measured on ${count(candidate.samples)} pictures; latency of one picture on one thread`,
    `${fused.quantized} convolutions and matrix products run in int8, ${left === 0 ? 'none' : left} stayed in float`,
    ...fused.float.map((layer) => `  float: ${typeof layer === 'string' ? layer : JSON.stringify(layer)}`),
    `package: ${result.package}`,
  ].join('\n');
}
