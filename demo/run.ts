import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { WriteStream } from 'node:tty';
import { WaysideError } from '../core/errors.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { redactUrls } from '../core/log.ts';
import { isFindingTask } from '../inference/heads/any-head.ts';
import { type ModelPackage, readPackage } from '../inference/read-package.ts';
import { Board } from './board.ts';
import { follow } from './follow.ts';
import { LivePage } from './page/live-page.ts';
import { type EmbeddedBroker, startBroker } from './parts/broker.ts';
import { type LoopbackCamera, startCamera } from './parts/camera.ts';
import { type Part, startPart } from './parts/child.ts';
import { type DrawnRegion, writeConfiguration } from './parts/configuration.ts';
import { findFfmpeg } from './parts/ffmpeg.ts';
import { nowMs } from './parts/link.ts';
import { countingLines } from './scene/crossings.ts';
import { createLens } from './scene/lens.ts';
import { boxOf, PLACES } from './scene/regions.ts';
import { FPS } from './scene/street.ts';
import { CLASSES } from './scene/types.ts';
import { imagesOf, sourceOf } from './source.ts';
import { type Summary, summarize } from './summary.ts';
import { type LiveView, startLiveView } from './view/live.ts';
import { type Setting, type ViewState, viewOf } from './view/state.ts';

export interface DemoOptions {
  /** Ends after so many analysed frames; otherwise at `signal`. */
  readonly frames?: number;
  /** A camera instead of the rendered one: `rtsp://...`, or a video file. */
  readonly camera?: string;
  /** What to look at with such a camera. @default the whole image */
  readonly regions?: readonly DrawnRegion[] | undefined;
  /** The page with the live image; false: none. @default on a free port */
  readonly page?: false | { readonly port: number };
  /** Folder of another model package. */
  readonly model?: string;
  /** Classifies fixed regions of the street, with the model for that. @default false: finds, follows and counts */
  readonly classifier?: boolean;
  /** A real broker instead of the embedded one: `mqtt://...`. */
  readonly broker?: string;
  /** Of the rendered street. @default 17: of the first 40, the one whose first ten seconds show all classes most evenly */
  readonly seed?: number;
  /** Show what arrives while it arrives, on stdout. @default true */
  readonly live?: boolean;
  readonly signal: AbortSignal;
}

/** Frames a second asked of a foreign camera. */
const FOREIGN_RATE = 5;
/** From here on a run without any detection is a failure, not slowness. */
const FIRST_DETECTION_MS = 60_000;

/** Ends what was started, the latest first, whatever happens to the others. */
class Closing {
  readonly #steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.toReversed()) await step().catch((cause: unknown) => failures.push(cause));
    if (failures.length > 0) throw failures[0];
  }
}

/**
 * The whole on one machine: camera, broker, daemon, and a view of what arrives over MQTT.
 *
 * Resolves with the summary after `frames` frames, or when the signal aborts. All children have ended by then, and also
 * where this throws.
 *
 * @throws {WaysideError} USAGE, DECODER_UNAVAILABLE, VIDEO_SOURCE_FAILED, LISTEN_FAILED, BROKER_UNAVAILABLE, PACKAGE_INVALID, DEMO_FAILED
 */
export async function runDemo(options: DemoOptions): Promise<Summary> {
  const startedAt = nowMs();
  const closing = new Closing();
  try {
    return await perform(options, startedAt, closing);
  } finally {
    await closing.run();
  }
}

async function perform(options: DemoOptions, startedAt: number, closing: Closing): Promise<Summary> {
  const { frames, seed = 17, live = true, page = { port: 0 }, regions, signal } = options;
  const source = await sourceOf(options.camera, seed);
  if (regions !== undefined && 'seed' in source) {
    throw new WaysideError('USAGE', {
      message: 'the rendered street has regions of its own',
      hint: 'regions go with a camera of your own: --camera FILE or --camera rtsp://...',
    });
  }
  const folder =
    options.model ?? join(PACKAGE_ROOT, 'demo', options.classifier === true ? 'package' : 'detector-package');
  const [ffmpeg, model] = await Promise.all([findFfmpeg({ foreign: !('seed' in source) }), readPackage(folder)]);
  const [camera, broker] = await Promise.all([
    'url' in source ? null : started(startCamera(source, ffmpeg.command, signal), (part) => part.end(), closing),
    options.broker === undefined ? started(startBroker(), (own) => own.close(), closing) : null,
  ]);
  const detects = isFindingTask(model.manifest.task);
  const ours = 'seed' in source && namesOurClasses(model);
  const board = new Board({ truthFps: ours ? FPS : null, countedStreet: ours && detects ? seed : null });
  camera?.onReport((report) => board.report(report));

  const box = `demo-${randomBytes(4).toString('hex')}`;
  const brokerUrl = broker?.url ?? options.broker ?? '';
  const arrivals = new Arrivals(frames);
  const cameraUrl = camera?.url ?? options.camera ?? '';
  const cameraName = 'seed' in source ? 'a rendered street' : redactUrls(options.camera ?? '');
  const shown: LivePage | null =
    page === false
      ? null
      : new LivePage({
          camera: imagesOf(cameraUrl, ffmpeg),
          lines: ours && detects ? countingLines(createLens(seed)) : [],
          port: page.port,
        });
  const pageUrl = shown === null ? null : await shown.start();
  if (shown !== null) closing.add(() => shown.close());
  if (pageUrl !== null && process.stdout.isTTY !== true) process.stderr.write(`live image: ${pageUrl}\n`);
  const setting: Setting = {
    cameraName,
    brokerName: broker === null ? redactUrls(options.broker ?? '') : 'an embedded broker',
    page: pageUrl,
    model: { name: model.manifest.name, bytes: model.bytes },
    wanted: frames ?? null,
  };
  const view = (): ViewState => viewOf(board, setting, startedAt, nowMs());
  shown?.show(view);
  const following = await follow(brokerUrl, box, board, {
    onDetections: (message) => {
      arrivals.another();
      shown?.detections(message, board);
    },
    onMessage: (topic, payload) => shown?.message(topic, payload),
  });
  closing.add(() => following.close());
  const daemon = await startDaemon(
    {
      options,
      ffmpegCommand: ffmpeg.system ? undefined : ffmpeg.command,
      folder,
      detects,
      seed,
      box,
      brokerUrl,
      cameraUrl,
    },
    closing,
  );

  await watching(live, view, () => ending(arrivals, board, [daemon, camera], signal));
  return summarize({
    view: view(),
    lost: board.lost,
    dropped: board.camera?.dropped ?? null,
    firstDetectionSeconds: arrivals.firstAt === undefined ? null : (arrivals.firstAt - startedAt) / 1000,
    fromCamera: 'seed' in source,
  });
}

/** Registers the end of a part as soon as it has started. */
async function started<T extends LoopbackCamera | EmbeddedBroker>(
  starting: Promise<T>,
  end: (part: T) => Promise<void>,
  closing: Closing,
): Promise<T> {
  const part = await starting;
  closing.add(() => end(part));
  return part;
}

const namesOurClasses = ({ manifest }: ModelPackage): boolean =>
  manifest.labels?.every((label) => (CLASSES as readonly string[]).includes(label)) ?? false;

interface DaemonSetting {
  readonly options: DemoOptions;
  readonly ffmpegCommand: string | undefined;
  readonly folder: string;
  /** The model finds objects. */
  readonly detects: boolean;
  readonly seed: number;
  readonly box: string;
  readonly brokerUrl: string;
  readonly cameraUrl: string;
}

async function startDaemon(
  { options, ffmpegCommand, folder, detects, seed, box, brokerUrl, cameraUrl }: DaemonSetting,
  closing: Closing,
): Promise<Part> {
  const lens = createLens(seed);
  const own = options.camera === undefined;
  const configuration = await writeConfiguration({
    box,
    camera: cameraUrl,
    broker: brokerUrl,
    package: folder,
    rate: own ? FPS : FOREIGN_RATE,
    regions:
      own && !detects
        ? PLACES.map((place) => ({ name: place.name, box: boxOf(lens, place) }))
        : (options.regions ?? []),
    lines: own && detects ? countingLines(lens) : [],
    rendered: own,
    threshold: detects ? undefined : 0,
    decoder: ffmpegCommand,
  });
  closing.add(() => configuration.remove());
  const daemon = startPart('daemon', 'demo/parts/daemon-process', [configuration.path], configuration.environment);
  closing.add(() => daemon.end());
  return daemon;
}

/** Counts detections, and says when the last wanted one has come. */
class Arrivals {
  readonly enough: Promise<void>;
  readonly #wanted: number | undefined;
  #done: () => void = () => undefined;
  #count = 0;
  firstAt: number | undefined;

  constructor(wanted: number | undefined) {
    this.#wanted = wanted;
    this.enough = new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  another(): void {
    this.firstAt ??= nowMs();
    this.#count++;
    if (this.#wanted !== undefined && this.#count >= this.#wanted) this.#done();
  }
}

async function watching(live: boolean, view: () => ViewState, until: () => Promise<void>): Promise<void> {
  const shown: LiveView | null = live ? startLiveView(process.stdout as WriteStream, view) : null;
  try {
    await until();
  } finally {
    shown?.end();
  }
}

/** Resolves when the run is complete or stopped; rejects when a part is lost or nothing ever arrives. */
async function ending(
  arrivals: Arrivals,
  board: Board,
  parts: readonly (Part | null)[],
  signal: AbortSignal,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      if (arrivals.firstAt !== undefined) return;
      const why = board.camera?.reason?.message ?? board.state?.reasons[0]?.message ?? 'the daemon has not said why';
      reject(
        new WaysideError('DEMO_FAILED', { message: `no detection within ${FIRST_DETECTION_MS / 1000} s: ${why}` }),
      );
    }, FIRST_DETECTION_MS);
  });
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  try {
    await Promise.race([
      arrivals.enough,
      stopped,
      silent,
      ...parts.flatMap((part) => (part === null ? [] : [part.lost])),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
