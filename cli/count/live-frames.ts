import { WaysideError } from '../../core/errors.ts';
import { startCamera } from '../../daemon/camera/camera.ts';
import type { Camera, CameraOptions, CameraStatus } from '../../daemon/camera/types.ts';
import type { TimedFrame } from './count-frames.ts';

interface LiveOptions {
  /** After the first frame, s; until the signal aborts without it. */
  readonly seconds?: number | undefined;
  /** Ends the frames as `seconds` does: it is no failure. */
  readonly signal: AbortSignal;
  /** Told whenever the state of the camera changes. */
  readonly onStatus: (status: CameraStatus) => void;
}

/** How often the decoder's memory is looked at. */
const CHECK_MS = 500;

/**
 * Frames of a live camera, the latest that there is whenever one is asked for, over as many connections as it takes.
 *
 * @throws {WaysideError} what the camera says where no frame ever came: CAMERA_REFUSED, CAMERA_LOST, DECODER_UNAVAILABLE and the like
 */
export async function* liveFrames(
  camera: CameraOptions,
  { seconds, signal, onStatus }: LiveOptions,
): AsyncGenerator<TimedFrame> {
  let wake = (): void => {};
  const over = new AbortController();
  const end = (): void => {
    over.abort();
    wake();
  };
  let refusal: CameraStatus['reason'];
  const running = startCamera(camera, {
    onFrame: () => wake(),
    onStatus: (status) => {
      onStatus(status);
      // Of a camera that answers with no frame nobody waits for the tenth attempt; one that was live comes back.
      if (status.received === 0 && status.reason !== undefined && status.state !== 'live') {
        refusal = status.reason;
        end();
      }
    },
  });
  const checking = setInterval(() => running.check(), CHECK_MS);
  let timer: NodeJS.Timeout | undefined;
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    let first: number | undefined;
    while (!over.signal.aborted) {
      const frame = running.takeFrame();
      if (frame === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if (first === undefined && seconds !== undefined) timer = setTimeout(end, seconds * 1000);
      // A frame that waited in the camera shows an earlier moment than the one in which it came.
      const at = (frame.capturedAt - (frame.lagMs ?? 0)) / 1000;
      first ??= at;
      yield { image: frame, time: at - first, valid: showsTheStreet(running) };
      running.giveBack(frame.data);
    }
    if (refusal !== undefined && first === undefined)
      throw new WaysideError(refusal.code, { message: refusal.message });
  } finally {
    clearInterval(checking);
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    await running.stop();
  }
}

/** Unless the view check says otherwise; before it has seen enough it says nothing. */
function showsTheStreet(camera: Camera): boolean {
  const { view } = camera.status();
  return view === null || view === 'ok';
}
