import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { WaysideError } from '../../core/errors.ts';

export interface FoundFfmpeg {
  readonly command: string;
  /** False for the static program out of the npm registry. */
  readonly system: boolean;
}

async function encodesH264(command: string): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(command, ['-hide_banner', '-h', 'encoder=libx264'], {
      timeout: 20_000,
    });
    return stdout.includes('libx264');
  } catch {
    return false; // not there, or not an ffmpeg
  }
}

/**
 * The system's ffmpeg, or the static one of the npm package `@ffmpeg-installer/ffmpeg` where there is none. That one is from
 * 2018: it is good for our own images on loopback and must never be pointed at a foreign camera.
 *
 * @throws {WaysideError} DECODER_UNAVAILABLE
 */
export async function findFfmpeg({ foreign }: { readonly foreign: boolean }): Promise<FoundFfmpeg> {
  if (foreign || (await encodesH264('ffmpeg'))) return { command: 'ffmpeg', system: true };
  try {
    const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };
    if (await encodesH264(path)) return { command: path, system: false };
  } catch (cause) {
    throw unavailable(cause);
  }
  throw unavailable(undefined);
}

const unavailable = (cause: unknown): WaysideError =>
  new WaysideError('DECODER_UNAVAILABLE', {
    message: 'neither a system ffmpeg with libx264 nor the package @ffmpeg-installer/ffmpeg can be used',
    hint: 'install ffmpeg (`apt install ffmpeg`), or run `npm install` without --omit=dev',
    cause,
  });
