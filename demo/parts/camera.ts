import { ERROR_CODES } from '../../core/error-codes.ts';
import { type ErrorCode, WaysideError } from '../../core/errors.ts';
import { firstMessage, type Part, startPart } from './child.ts';
import type { CameraReport } from './link.ts';

export interface LoopbackCamera extends Part {
  readonly url: string;
  onReport(listener: (report: CameraReport) => void): void;
}

/**
 * Serves the rendered street, or a video file over and over, as an RTSP camera on loopback, from a process of its own.
 *
 * @throws {WaysideError} VIDEO_SOURCE_FAILED, LISTEN_FAILED, DEMO_FAILED
 */
export async function startCamera(
  source: { readonly seed: number } | { readonly file: string },
  ffmpeg: string,
  signal: AbortSignal,
): Promise<LoopbackCamera> {
  const shown = 'file' in source ? ['0', ffmpeg, source.file] : [String(source.seed), ffmpeg];
  const part = startPart('loopback camera', 'demo/parts/camera-process', shown);
  try {
    const url = await firstMessage(part, urlOf, signal);
    return {
      ...part,
      url,
      onReport: (listener) => void part.child.on('message', (message) => listener(message as CameraReport)),
    };
  } catch (cause) {
    await part.end();
    throw cause;
  }
}

function urlOf(report: CameraReport): string | undefined {
  if (report.type === 'failed') {
    const code: ErrorCode = report.code in ERROR_CODES ? (report.code as ErrorCode) : 'DEMO_FAILED';
    throw new WaysideError(code, {
      message: report.message,
      ...(report.hint === undefined ? {} : { hint: report.hint }),
    });
  }
  return report.type === 'ready' ? report.url : undefined;
}
