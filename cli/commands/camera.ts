import { once } from 'node:events';
import { Command, Option } from 'commander';
import { WaysideError } from '../../core/errors.ts';
import type { VideoSource } from '../../demo/rtsp/source.ts';
import { decimal, integer } from '../options/common.ts';
import { type Context, running } from '../running.ts';

interface CameraOptions {
  readonly scene?: true;
  readonly seed: number;
  readonly port: number;
  readonly path: string;
  readonly fps?: number;
  readonly codec?: 'h264' | 'h265';
  readonly user?: string;
  readonly passwordFile?: string;
}

/** Read where there is no `--password-file`: an argument could be read by everyone on the machine. */
const PASSWORD_VARIABLE = 'WAYSIDE_CAMERA_PASSWORD';

export function cameraCommand(): Command {
  return new Command('camera')
    .summary('serve a video or the rendered street as an RTSP camera')
    .description(
      'Serves a video file, or the street that Wayside renders, as an RTSP camera on 127.0.0.1 until it is stopped.',
    )
    .argument('[file]', 'video file, repeated for ever (default: the rendered street)')
    .addOption(new Option('--scene', 'the rendered street, also the default'))
    .addOption(new Option('--seed <n>', 'seed of the rendered street').argParser(integer(0, 2 ** 32 - 1)).default(1))
    .addOption(new Option('--port <n>', 'TCP port; 0 takes a free one').argParser(integer(0, 65535)).default(8554))
    .addOption(new Option('--path <path>', 'path of the URL').default('/camera'))
    .addOption(new Option('--fps <n>', 'frames a second (default: those of the file)').argParser(decimal(0.1, 240)))
    .addOption(new Option('--codec <name>', 'codec of a file (default: its own)').choices(['h264', 'h265']))
    .addOption(
      new Option(
        '--user <name>',
        `asks clients for this name and a password: from --password-file, or the variable ${PASSWORD_VARIABLE}`,
      ),
    )
    .addOption(new Option('--password-file <file>', 'file with the password on its first line'))
    .action(running(serveCamera, { serves: true }));
}

async function serveCamera(
  { signal, report, paint }: Context,
  file: string | undefined,
  options: CameraOptions,
): Promise<void> {
  const [{ startRtspServer }, source, credentials] = await Promise.all([
    import('../../demo/rtsp/server.ts'),
    openSource(file, options),
    readCredentials(options),
  ]);
  const server = await startRtspServer({
    source,
    port: options.port,
    path: options.path,
    ...(credentials && { credentials }),
  });
  try {
    const document = { url: server.url, codec: source.codec, fps: source.fps, user: options.user ?? null };
    report({
      document,
      text: `${paint('bold', server.url)}  ${source.codec}, ${source.fps} frames a second; Ctrl-C ends it`,
    });
    if (!signal.aborted) await Promise.race([server.ended, once(signal, 'abort')]);
  } finally {
    await server.close();
  }
}

async function openSource(file: string | undefined, { scene, seed, fps, codec }: CameraOptions): Promise<VideoSource> {
  const { findFfmpeg } = await import('../../demo/parts/ffmpeg.ts');
  const { command: ffmpeg } = await findFfmpeg({ foreign: false });
  if (file !== undefined) {
    if (scene) throw new WaysideError('USAGE', { message: 'a video file and --scene exclude each other' });
    const { videoFileSource } = await import('../../demo/rtsp/video-file-source.ts');
    return videoFileSource(file, { ffmpeg, ...(fps && { fps }), ...(codec && { codec }) });
  }
  const [{ createScene }, { rawFrameSource }] = await Promise.all([
    import('../../demo/scene/scene.ts'),
    import('../../demo/rtsp/raw-frame-source.ts'),
  ]);
  const { width, height, fps: own, frame } = createScene(seed);
  return rawFrameSource({ width, height, fps: fps ?? own, ffmpeg, render: (index) => frame(index).image.data });
}

async function readCredentials({
  user,
  passwordFile,
}: CameraOptions): Promise<{ username: string; password: string } | undefined> {
  if (user === undefined) {
    if (passwordFile === undefined) return undefined;
    throw new WaysideError('USAGE', {
      message: '--password-file goes with --user',
      hint: 'name the user: --user admin',
    });
  }
  const { readNamedFile } = await import('../../core/files.ts');
  const text =
    passwordFile === undefined ? process.env[PASSWORD_VARIABLE] : (await readNamedFile(passwordFile)).toString('utf8');
  const password = text?.split(/\r?\n/)[0] ?? '';
  if (password !== '') return { username: user, password };
  throw new WaysideError('USAGE', {
    message: '--user needs a password',
    hint: `set the variable ${PASSWORD_VARIABLE}, or name a file: --password-file FILE`,
  });
}
