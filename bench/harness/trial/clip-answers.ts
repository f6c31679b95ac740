import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FrameModel } from '../../../daemon/inference/frame-model.ts';
import { loadModel } from '../../../daemon/inference/load-model.ts';
import { autocorrelationTime } from '../../../deploy/trial/autocorrelation.ts';
import type { Box } from '../../../inference/image.ts';
import { runChild } from '../process/child.ts';
import type { Workplace } from '../workplace.ts';

export const RATE = 10;
const CLIPS = ['vct-input-video', 'intel-car-detection', 'toc-pedestrian-surveillance'] as const;
const SIZE = { width: 480, height: 270 } as const;
/** Three lanes side by side. */
export const BOXES: readonly Box[] = [
  [0, 0.3, 0.34, 0.6],
  [0.33, 0.3, 0.34, 0.6],
  [0.66, 0.3, 0.34, 0.6],
];

/** How long the answers to a clip stay. */
export interface ClipAnswers {
  readonly clip: string;
  readonly frames: number;
  /** Frames that say as much as one independent one, of the answers' most frequent class; mean over the regions. */
  readonly autocorrelation: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function mostFrequent(series: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of series) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

/** The best class of every region, frame by frame. */
async function answersOf(model: FrameModel, pixels: Uint8Array): Promise<number[][]> {
  const bytes = SIZE.width * SIZE.height * 3;
  const answers = BOXES.map((): number[] => []);
  for (let at = 0; at + bytes <= pixels.length; at += bytes) {
    const frame = { ...SIZE, data: pixels.subarray(at, at + bytes) };
    const { regions } = await model.analyse(frame, { boxes: [...BOXES], topK: 1, threshold: 0 });
    for (const [region, ranked] of regions.entries()) answers[region]!.push(ranked[0]?.index ?? -1);
  }
  return answers;
}

/** A model's answers to every clip of the test data, ten frames a second. */
export async function clipAnswers(model: string, { data, scratch, signal, say }: Workplace): Promise<ClipAnswers[]> {
  const classifier = await loadModel(model, { threads: 2, provider: 'cpu' });
  const found: ClipAnswers[] = [];
  for (const clip of CLIPS) {
    say(clip);
    const raw = join(scratch, `${clip}.rgb`);
    const filter = `fps=${RATE},scale=${SIZE.width}:${SIZE.height}:flags=bilinear`;
    const input = ['-i', join(data, 'video', `${clip}.mp4`), '-an', '-vf', filter];
    const output = ['-pix_fmt', 'rgb24', '-f', 'rawvideo', '-y', raw];
    await runChild('ffmpeg', ['-nostdin', '-loglevel', 'error', ...input, ...output], { signal });
    const answers = await answersOf(classifier, await readFile(raw));
    const times = answers.map((series) => {
      const most = mostFrequent(series);
      return autocorrelationTime(series.map((answer) => (answer === most ? 1 : 0)));
    });
    found.push({ clip, frames: answers[0]?.length ?? 0, autocorrelation: mean(times) });
    signal.throwIfAborted();
  }
  return found;
}
