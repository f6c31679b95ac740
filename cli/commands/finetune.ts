import { Command, Option } from 'commander';
import { WaysideError } from '../../core/errors.ts';
import { integer, outputOption } from '../options/common.ts';
import { type Context, running } from '../running.ts';
import { runTraining, type TrainingOptions, trainingOptions } from '../training.ts';

interface FinetuneOptions extends TrainingOptions {
  readonly classes?: number;
  readonly freeze?: true;
  readonly output?: string;
}

export function finetuneCommand(): Command {
  const command = new Command('finetune')
    .summary('train an ONNX classifier further, or on other classes')
    .description(
      'Trains a float ONNX classifier further on the training part of a data set. Where the data set has other classes the head ' +
        'is replaced by a new one. Everything else is as with `wayside train`.',
    )
    .argument('<model>', 'float ONNX file');
  for (const option of trainingOptions(10, 'cosine')) command.addOption(option);
  command
    .addOption(
      new Option(
        '--classes <n>',
        'replace the head by one for so many classes (default: if the data set has other classes)',
      ).argParser(integer(2, 100_000)),
    )
    .addOption(new Option('--freeze', 'train the head alone'))
    .addOption(outputOption());
  return command.action(running(finetuneModel));
}

async function finetuneModel(context: Context, path: string, options: FinetuneOptions): Promise<void> {
  const [{ readStored }, { classesOf, withHead }, { notedRemoved }] = await Promise.all([
    import('../../exporter/reading/float-source.ts'),
    import('../../compression/training/head.ts'),
    import('../../exporter/reading/model-notes.ts'),
  ]);
  const model = await readStored(path, { ...context, output: options.output });
  const known = classesOf(model);
  const shape = model.graph.inputs[0]?.shape ?? [];
  await runTraining(context, options, {
    of: path,
    model(found) {
      if (options.classes !== undefined && options.classes < found) {
        throw new WaysideError('USAGE', {
          message: `--classes ${options.classes}, but the data set has ${found}`,
          hint: 'leave --classes out to take those of the data set',
        });
      }
      const wanted = options.classes ?? found;
      return wanted === known && options.classes === undefined ? model : withHead(model, wanted, options.seed);
    },
    inputShape: shape.map((dim, axis) => (typeof dim === 'number' ? dim : (options.size?.[axis - 2] ?? 'N'))),
    metadata: model.metadata,
    rates: { sgd: 0.01, adamw: 0.0002 },
    freeze: options.freeze === true,
    // Pruning folds normalisations; without them a ResNet20 diverged after 7 steps.
    normalises: options.freeze !== true && notedRemoved(model.metadata) !== undefined,
  });
}
