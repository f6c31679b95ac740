import { Command, Option } from 'commander';
import { WaysideError } from '../../core/errors.ts';
import type { HeadName } from '../../inference/heads/head.ts';
import { integer, type PixelOptions, pixelOptions } from '../options/common.ts';
import { type Context, running } from '../running.ts';

interface CountCommandOptions extends PixelOptions {
  readonly config: string;
  readonly model: string;
  readonly head?: HeadName;
  readonly truth?: string;
  readonly rate?: number;
  readonly threads?: number;
}

const HEAD_NAMES: readonly HeadName[] = ['yolox', 'yolox-decoded', 'nanodet-plus'];

export function countCommand(): Command {
  const command = new Command('count')
    .summary('count what crosses lines in a video')
    .description(
      'Finds objects in a video file with a detector, follows them and counts what crosses lines: by class, line and direction per interval. With a hand ' +
        'count it says what was missed and what is false.',
    )
    .argument('<video>', 'video file')
    .requiredOption('--config <file>', 'lines to count at (YAML or JSON), or a hand count, whose lines are taken')
    .requiredOption('--model <path>', 'detector: folder of a model package, or ONNX file with --head')
    .addOption(new Option('--head <name>', 'how the boxes of an ONNX file are read').choices(HEAD_NAMES))
    .option('--truth <file>', 'hand count to compare with: crossings with line, direction, class and time (JSON)')
    .addOption(
      new Option(
        '--rate <n>',
        'frames a second to look at, 0 for all (default: that of the configuration, else 10)',
      ).argParser(integer(0, 120)),
    )
    .addOption(new Option('--threads <n>', 'threads for one inference (default: up to 4)').argParser(integer(1, 256)));
  for (const option of pixelOptions()) command.addOption(option);
  return command.action(running(count));
}

async function count(context: Context, video: string, options: CountCommandOptions): Promise<void> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(video))
    throw new WaysideError('USAGE', {
      message: 'expected a video file, found an address',
      hint: 'the daemon looks at live cameras',
    });
  const [
    { readCountConfig },
    { readHandCount },
    { openDetector },
    { countVideo },
    { countDocument, schemeFor },
    { countSummary },
    { runContext },
    { readableFile },
  ] = await Promise.all([
    import('../count/config.ts'),
    import('../count/hand-count.ts'),
    import('../count/open-detector.ts'),
    import('../count/count-video.ts'),
    import('../count/document.ts'),
    import('../count/summary.ts'),
    import('../../core/run/context.ts'),
    import('../../core/files.ts'),
  ]);
  const { signal, onProgress, report } = context;
  const config = await readCountConfig(options.config);
  const truth =
    options.truth === undefined
      ? undefined
      : await readHandCount(
          options.truth,
          config.lines.map(({ id }) => id),
        );
  await readableFile(video);
  const { threads } = runContext({ threads: options.threads });
  const { detector, labels, close } = await openDetector(options.model, { ...options, threads });
  try {
    const { scheme, warnings } = schemeFor(labels, config.classes);
    const counted = await countVideo(
      video,
      detector,
      { lines: config.lines, scheme, rate: options.rate ?? config.rate },
      { signal, onProgress },
    );
    const document = countDocument(video, counted, config, scheme, truth, warnings);
    report({ document, text: countSummary(document) });
  } finally {
    await close();
  }
}
