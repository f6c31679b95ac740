import { Command, Option } from 'commander';
import { WaysideError } from '../../core/errors.ts';
import type { HeadName } from '../../inference/heads/head.ts';
import type { CountConfig } from '../count/config.ts';
import { decimal, integer, type PixelOptions, pixelOptions } from '../options/common.ts';
import { headOption } from '../options/head.ts';
import { type Context, running } from '../running.ts';

interface CountCommandOptions extends PixelOptions {
  readonly config: string;
  readonly camera?: string;
  readonly model: string;
  readonly head?: HeadName;
  readonly truth?: string;
  readonly rate?: number;
  readonly seconds?: number;
  readonly threads?: number;
  readonly ndjson?: true;
  readonly selfAudit?: true;
}

/** A day: beyond it a box is what is wanted. */
const MOST_SECONDS = 86_400;

export function countCommand(): Command {
  const command = new Command('count')
    .summary('count what crosses lines in a video or before a camera')
    .description(
      'Finds objects in a video file, or before a live camera, with a detector, follows them and counts what crosses lines: by class, line and direction ' +
        'per interval. Tells who enters zones, leaves them or stops in them, and speeds where the ground is calibrated. With a hand count of a file it ' +
        'says what was missed and what is false. A live camera is looked at until Ctrl-C.',
    )
    .argument('[video]', 'video file, or rtsp:// address (default: the camera of the configuration)')
    .requiredOption(
      '--config <file>',
      'lines and zones to count at (YAML or JSON); a hand count, whose lines are taken; or the configuration of a daemon',
    )
    .addOption(new Option('--camera <id>', 'of the configuration of a daemon: this camera'))
    .requiredOption('--model <path>', 'detector: folder of a model package, or ONNX file with --head')
    .addOption(headOption('how the boxes of an ONNX file are read'))
    .option('--truth <file>', 'hand count to compare with: crossings with line, direction, class and time (JSON)')
    .addOption(
      new Option(
        '--rate <n>',
        'frames a second to look at, 0 for all (default: that of the configuration, else 10)',
      ).argParser(integer(0, 120)),
    )
    .addOption(new Option('--seconds <n>', 'of a live camera: end after so long').argParser(decimal(0.1, MOST_SECONDS)))
    .addOption(
      new Option(
        '--ndjson',
        'a JSON document a line: every event when it happens, and the result at the end',
      ).conflicts('json'),
    )
    .addOption(
      new Option('--self-audit', 'estimate what share of crossings is missed, by what motion finds besides (missRate)'),
    )
    .addOption(new Option('--threads <n>', 'threads for one inference (default: up to 4)').argParser(integer(1, 256)));
  for (const option of pixelOptions()) command.addOption(option);
  return command.action(running(count, { serves: true }));
}

const usage = (message: string, hint?: string): WaysideError =>
  new WaysideError('USAGE', { message, ...(hint === undefined ? {} : { hint }) });

/** What is looked at: the argument, or the camera that the configuration names. */
function sourceOf(video: string | undefined, { camera }: CountConfig): string {
  const source = video ?? camera?.url;
  if (source === undefined)
    throw usage('no video was named', 'name a file, an rtsp:// address, or the configuration of a daemon');
  return source;
}

async function count(context: Context, video: string | undefined, options: CountCommandOptions): Promise<void> {
  const [
    { readCountConfig },
    { readHandCount },
    { openDetector },
    { countDocument, eventDocument, schemeFor },
    { countSummary },
    { isAddress },
    { runContext },
    { readableFile },
    { redactUrls },
  ] = await Promise.all([
    import('../count/config.ts'),
    import('../count/hand-count.ts'),
    import('../count/open-detector.ts'),
    import('../count/document.ts'),
    import('../count/summary.ts'),
    import('../count/live-camera.ts'),
    import('../../core/run/context.ts'),
    import('../../core/files.ts'),
    import('../../core/log.ts'),
  ]);
  const config = await readCountConfig(options.config, { camera: options.camera });
  const source = sourceOf(video, config);
  const live = isAddress(source);
  if (live && options.truth !== undefined)
    throw usage('--truth goes with a video file', 'record the camera, count by hand, and count the recording');
  if (!live && options.seconds !== undefined) throw usage('--seconds goes with a live camera');
  const lines = config.lines.map(({ id }) => id);
  const truth = options.truth === undefined ? undefined : await readHandCount(options.truth, lines);
  if (!live) await readableFile(source);
  const { threads } = runContext({ threads: options.threads });
  const { detector, labels, model, close } = await openDetector(options.model, { ...options, threads });
  try {
    const { scheme, warnings } = schemeFor(labels, config.classes, model);
    const wanted = {
      plan: config,
      scheme,
      selfAudit: options.selfAudit === true || config.selfAudit,
      ...(options.ndjson === true && {
        onEvent: (event: Parameters<typeof eventDocument>[0]) =>
          void process.stdout.write(`${JSON.stringify(eventDocument(event, scheme))}\n`),
      }),
    };
    const rate = options.rate ?? config.rate;
    const counted = live
      ? await countLive(source, { ...config, rate }, detector, wanted, options.seconds, context)
      : await countFile(source, rate, detector, wanted, context);
    const named = { video: redactUrls(source), live };
    const document = countDocument(named, counted, config, scheme, truth, [...warnings, ...counted.remarks]);
    const text = options.ndjson === true ? JSON.stringify({ result: document }) : countSummary(document);
    context.report({ document, text });
  } finally {
    await close();
  }
}

type CountVideo = typeof import('../count/count-video.ts').countVideo;
type Detector = Parameters<CountVideo>[1];
type Wanted = Omit<Parameters<CountVideo>[2], 'rate'>;

async function countFile(path: string, rate: number, detector: Detector, wanted: Wanted, context: Context) {
  const { countVideo } = await import('../count/count-video.ts');
  const counted = await countVideo(path, detector, { ...wanted, rate }, context);
  return { ...counted, remarks: counted.remarks.map((text) => `decoder: ${text}`) };
}

async function countLive(
  url: string,
  config: CountConfig,
  detector: Detector,
  wanted: Wanted,
  seconds: number | undefined,
  context: Context,
) {
  const [{ liveCamera }, { countCamera }] = await Promise.all([
    import('../count/live-camera.ts'),
    import('../count/count-camera.ts'),
  ]);
  const camera = await liveCamera(url, config, detector.preprocessing);
  const counted = await countCamera(camera, detector, { ...wanted, seconds }, context);
  if (counted.frames === 0) context.signal.throwIfAborted();
  return counted;
}
