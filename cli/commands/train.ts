import { Argument, Command, Option } from 'commander';
import { STEMS, type Stem } from '../../compression/training/networks/network.ts';
import { type Context, running } from '../running.ts';
import { runTraining, type TrainingOptions, trainingOptions } from '../training.ts';

const ARCHITECTURES = ['resnet20', 'resnet34', 'resnet56', 'vgg16', 'mobilenetv2', 'signnet'];

export function trainCommand(): Command {
  const command = new Command('train')
    .summary('train a classifier from scratch on your own images')
    .description(
      'Trains a network on the training part of a data set and writes it as a float ONNX file, ready for `wayside compress`. ' +
        'The epoch is chosen by images set aside from the training part; the test part is never read. Interrupted, it goes on ' +
        'where it was when the command is repeated, to the same bytes.',
    )
    .addArgument(new Argument('<architecture>', 'shape of the network').choices(ARCHITECTURES));
  for (const option of trainingOptions(30, 'one-cycle')) command.addOption(option);
  command.addOption(
    new Option(
      '--stem <kind>',
      'first layers of resnet34: kernel, and what they divide the size by (default: by --size)',
    ).choices(STEMS),
  );
  return command.action(running(trainNetwork));
}

interface TrainOptions extends TrainingOptions {
  readonly stem?: Stem;
}

async function trainNetwork(context: Context, architecture: string, options: TrainOptions): Promise<void> {
  const { buildNetwork } = await import('../../compression/training/networks/registry.ts');
  const size = options.size ?? [32, 32];
  await runTraining(context, options, {
    of: architecture,
    model: (classes) => buildNetwork(architecture, { classes, size, seed: options.seed, stem: options.stem }),
    inputShape: ['N', 3, ...size],
    metadata: new Map(),
    rates: { sgd: 0.1, adamw: 0.002 },
  });
}
