import { type DecoderCommand, startDecoder } from '../decoder.ts';
import type { CameraReason } from '../types.ts';

/** Enough to see that frames follow each other. */
const FRAMES = 3;

/**
 * Decodes a few frames of the real stream: that a driver is there, or that a program lists it, says nothing of whether it works.
 *
 * @returns why it does not; undefined: it does
 */
export function tryRoute(
  command: DecoderCommand,
  { withinMs, redact, signal }: { withinMs: number; redact: (text: string) => string; signal: AbortSignal },
): Promise<CameraReason | undefined> {
  return new Promise((resolve) => {
    let frames = 0;
    let late = false;
    const decoder = startDecoder(
      command,
      {
        allocate: (bytes) => new Uint8Array(bytes),
        onReceived: () => undefined,
        onKeyframe: () => undefined,
        onFrame: () => {
          if (++frames === FRAMES) decoder.kill();
        },
        onEnd: (reason) => {
          clearTimeout(timer);
          signal.removeEventListener('abort', kill);
          const none = `${frames} of ${FRAMES} frames within ${withinMs / 1000} s`;
          if (frames >= FRAMES) resolve(undefined);
          else resolve(late ? { code: 'CAMERA_LOST', message: none } : reason);
        },
      },
      redact,
    );
    const kill = (): void => decoder.kill();
    const timer = setTimeout(() => {
      late = true;
      kill();
    }, withinMs);
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
  });
}
