import type { Log } from '../../../core/log.ts';
import { hasCredentials } from '../address.ts';
import type { DecoderCommand } from '../decoder.ts';
import type { DecoderCommands } from '../decoder-command.ts';
import type { DecodingPlan } from '../ffmpeg.ts';
import type { CameraOptions, ChosenDecoder, VideoCodec } from '../types.ts';
import { candidates, type DecodeRoute, type Machine, softwareRoute, THIS_MACHINE } from './routes.ts';
import { tryRoute } from './try-route.ts';

/** Within the time that any camera has until its first frame, which begins anew with each route that is tried. */
const TRY_WITHIN_MS = 8000;
/** A decoder that fails so often in a row soon after it began is not the camera's fault, or is better tried without hardware. */
const TRUSTED_FAILURES = 3;

interface Choosing {
  readonly plan: DecodingPlan;
  /** Undefined: the camera does not say, or it is none that any hardware here decodes. */
  readonly codec: VideoCodec | undefined;
  readonly signal: AbortSignal;
  /** Called before each attempt. */
  readonly onTry: () => void;
}

/** How one camera is decoded: chosen when it is first found, kept as long as it delivers. */
export class DecodeChooser {
  readonly #camera: CameraOptions;
  readonly #commands: DecoderCommands;
  readonly #redact: (text: string) => string;
  readonly #log: Log | undefined;
  readonly #machine: Machine;
  #chosen: { readonly route: DecodeRoute; readonly reason: string | null } | undefined;
  #delivered = false;
  /** Why no hardware is tried any more. */
  #distrust: string | undefined;

  constructor(
    camera: CameraOptions,
    commands: DecoderCommands,
    redact: (text: string) => string,
    log: Log | undefined,
    machine: Machine = THIS_MACHINE,
  ) {
    this.#camera = camera;
    this.#commands = commands;
    this.#redact = redact;
    this.#log = log;
    this.#machine = machine;
  }

  /** What decodes the camera; null before its first frame, and where its configuration names a command of another kind. */
  get chosen(): ChosenDecoder | null {
    if (this.#chosen === undefined || !this.#delivered) return null;
    const { route, reason } = this.#chosen;
    return { kind: route.kind, program: route.program, decoder: route.decoder, reason };
  }

  /** The command that decodes the camera now. @throws {WaysideError} DECODER_UNAVAILABLE */
  async command(choosing: Choosing): Promise<DecoderCommand> {
    const { plan } = choosing;
    const ffmpeg = await this.#commands.ffmpegFor(this.#camera);
    if (ffmpeg === undefined) return await this.#commands.commandFor(this.#camera, plan);
    this.#chosen ??= await this.#choose(choosing, ffmpeg.command);
    return await this.#commands.commandFor(this.#camera, plan, this.#chosen.route);
  }

  /** A frame came. */
  delivers(): void {
    if (this.#delivered || this.#chosen === undefined) return;
    this.#delivered = true;
    const { route, reason } = this.#chosen;
    this.#log?.[reason === null ? 'info' : 'warn'](
      { decoder: route.decoder, kind: route.kind, reason },
      `decoded by ${route.decoder} (${route.kind})`,
    );
  }

  /**
   * The decoder is gone. What never delivered was no choice, be it the camera's fault or its own.
   *
   * @param failures in a row, without one that lived long between them
   */
  ended(failures: number): void {
    const { kind, decoder } = this.#chosen?.route ?? { kind: 'software', decoder: '' };
    if (!this.#delivered) this.#chosen = undefined;
    else if (kind !== 'software' && failures >= TRUSTED_FAILURES) {
      this.#distrust = `${decoder}: failed ${failures} times in a row`;
      this.#chosen = undefined;
    }
    if (this.#chosen === undefined) this.#delivered = false;
  }

  async #choose(choosing: Choosing, ffmpeg: string): Promise<{ route: DecodeRoute; reason: string | null }> {
    const { plan, codec, signal, onTry } = choosing;
    const wanted = this.#camera.decode ?? 'auto';
    const software = (reasons: readonly string[]): { route: DecodeRoute; reason: string | null } => ({
      route: softwareRoute(codec),
      reason: reasons.length === 0 ? null : reasons.join('; '),
    });
    if (wanted === 'software') return software([]);
    if (codec === undefined)
      return software(wanted === 'auto' ? [] : [`${wanted}: the camera does not say that it sends H.264 or H.265`]);
    if (this.#distrust !== undefined) return software([this.#distrust]);
    const secret = hasCredentials({ url: plan.address });
    const { routes, missing } = await candidates({ wanted, codec, ffmpeg, secret }, this.#machine);
    const reasons = [...missing];
    for (const route of routes) {
      if (signal.aborted) break;
      onTry();
      const all = { ...this.#camera, rate: 0 };
      const command = await this.#commands.commandFor(all, { ...plan, economy: 'full' }, route);
      const fault = await tryRoute(command, { withinMs: TRY_WITHIN_MS, redact: this.#redact, signal });
      if (fault === undefined) return { route, reason: null };
      reasons.push(`${route.decoder}: ${fault.message}`);
    }
    onTry();
    return software(reasons);
  }
}
