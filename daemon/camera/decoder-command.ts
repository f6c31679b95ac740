import { WaysideError } from '../../core/errors.ts';
import { explainShortage } from '../../core/shortage.ts';
import { jetsonPipeline } from './decode/gstreamer.ts';
import type { DecodeRoute } from './decode/routes.ts';
import type { DecoderCommand } from './decoder.ts';
import { type DecodingPlan, type Ffmpeg, ffmpegInvocation, probeFfmpeg } from './ffmpeg.ts';
import { parentDeathPrefix } from './parent-death.ts';
import type { CameraOptions } from './types.ts';

const DEFAULT_FFMPEG = 'ffmpeg';

/** Finds out what the machine has, once for each program, and writes the command of each camera. */
export class DecoderCommands {
  readonly #probed = new Map<string, Promise<Ffmpeg>>();
  #prefix: Promise<readonly string[]> | undefined;

  /**
   * The ffmpeg that a camera would be decoded with; undefined where its configuration names a command of another kind. A failed probe
   * is not remembered: the program may be installed while we run.
   *
   * @throws {WaysideError} DECODER_UNAVAILABLE
   */
  async ffmpegFor({ decoder }: Pick<CameraOptions, 'decoder'>): Promise<Ffmpeg | undefined> {
    const [command = DEFAULT_FFMPEG, ...args] = decoder?.command ?? [];
    if (args.length > 0) return undefined;
    const known = this.#probed.get(command) ?? probeFfmpeg(command);
    this.#probed.set(command, known);
    try {
      return await known;
    } catch (cause) {
      this.#probed.delete(command);
      throw cause;
    }
  }

  async #parentDeathPrefix(): Promise<readonly string[]> {
    this.#prefix ??= parentDeathPrefix();
    try {
      return await this.#prefix;
    } catch (cause) {
      this.#prefix = undefined;
      throw new WaysideError('DECODER_UNAVAILABLE', {
        message: `cannot start a decoder: ${explainShortage(cause)}`,
        cause,
      });
    }
  }

  /** @param route where it is not the camera's own command @throws {WaysideError} DECODER_UNAVAILABLE */
  async commandFor(camera: CameraOptions, plan: DecodingPlan, route?: DecodeRoute): Promise<DecoderCommand> {
    const [ffmpeg, prefix] = await Promise.all([this.ffmpegFor(camera), this.#parentDeathPrefix()]);
    const { argv, stdin, timeReport } = bareCommand(ffmpeg, camera, plan, route);
    const [program, ...args] = [...prefix, ...argv];
    return { program: program!, args, stdin, timeReport };
  }
}

interface BareCommand {
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly timeReport: DecoderCommand['timeReport'];
}

function bareCommand(
  ffmpeg: Ffmpeg | undefined,
  camera: CameraOptions,
  plan: DecodingPlan,
  route: DecodeRoute | undefined,
): BareCommand {
  if (ffmpeg === undefined) return foreign(camera, plan);
  if (route?.program === 'gstreamer')
    return { argv: jetsonPipeline(camera, route.codec, plan.address), stdin: '', timeReport: null };
  const hardware = route === undefined || route.kind === 'software' ? undefined : route.decoder;
  const { args, stdin } = ffmpegInvocation(ffmpeg, camera, plan, hardware);
  return { argv: [ffmpeg.command, ...args], stdin, timeReport: ffmpeg.timeReport };
}

function foreign(camera: CameraOptions, { address }: DecodingPlan): BareCommand {
  const argv = (camera.decoder?.command ?? []).map((argument) => argument.replaceAll(ADDRESS, () => address));
  return { argv, stdin: '', timeReport: null };
}

const ADDRESS = '{url}';

/** Whether a camera is asked for at its address: a command of another kind may have a source of its own. */
export function needsAddress({ decoder }: Pick<CameraOptions, 'decoder'>): boolean {
  const command = decoder?.command ?? [];
  return command.length <= 1 || command.some((argument) => argument.includes(ADDRESS));
}
