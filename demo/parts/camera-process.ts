/** Started by `camera.ts`: serves the rendered street, or a video file, on loopback and reports what is true of every frame. */
import { asWaysideError } from '../../core/errors.ts';
import { rawFrameSource } from '../rtsp/raw-frame-source.ts';
import { startRtspServer } from '../rtsp/server.ts';
import type { VideoSource } from '../rtsp/source.ts';
import { videoFileSource } from '../rtsp/video-file-source.ts';
import { boxOf, PLACES } from '../scene/regions.ts';
import { createScene } from '../scene/scene.ts';
import { regionTruth } from '../scene/truth.ts';
import { type CameraReport, nowMs, type RegionAnswer, untilOrphaned } from './link.ts';

const [seed = '1', ffmpeg = 'ffmpeg', file] = process.argv.slice(2);

const tell = (report: CameraReport): void => {
  if (process.connected) process.send?.(report);
};

type Truths = Map<number, readonly RegionAnswer[]>;

/** The street, writing down what is true of each frame that it renders. */
function street(truths: Truths): VideoSource {
  const scene = createScene(Number(seed));
  const boxes = PLACES.map((place) => boxOf(scene.lens, place));
  const render = (index: number): Uint8Array => {
    const { image, objects } = scene.frame(index);
    truths.set(
      index,
      boxes.map((box) => regionTruth(objects, box)).map(({ class: name, contested }) => ({ class: name, contested })),
    );
    return image.data;
  };
  const { width, height, fps } = scene;
  return rawFrameSource({ width, height, fps, render, ffmpeg });
}

async function serve(signal: AbortSignal): Promise<void> {
  const truths: Truths = new Map();
  const source = file === undefined ? street(truths) : await videoFileSource(file, { ffmpeg });
  const server = await startRtspServer({ source });
  const known = new Set<string>();
  server.onFrameSent(({ index }) => {
    const at = nowMs();
    for (const { id, firstFrame } of server.sessions) {
      if (known.has(id) || firstFrame === undefined) continue;
      known.add(id);
      tell({ type: 'session', firstFrame, at });
    }
    tell({ type: 'frame', index, at, truth: truths.get(index) ?? [] });
    truths.delete(index);
  });
  tell({ type: 'ready', url: server.url });
  const orphaned = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  try {
    if (!signal.aborted) await Promise.race([server.ended, orphaned]);
  } finally {
    await server.close();
  }
}

serve(untilOrphaned())
  .catch((thrown: unknown) => {
    const { code, message, hint } = asWaysideError(thrown);
    tell({ type: 'failed', code, message, ...(hint === undefined ? {} : { hint }) });
    process.exitCode = 1;
  })
  .finally(() => {
    if (process.connected) process.disconnect();
  });
