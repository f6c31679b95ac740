import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { openDataset } from '../../calibration/datasets/open.ts';
import { evaluate } from '../../calibration/evaluate.ts';
import { withOptimizedGraph } from '../../exporter/quantize/fusion.ts';
import { probabilities } from '../../inference/scores.ts';
import type { PeerNetwork } from './peers/networks.ts';

/** What a model file is and answers, whoever made it. */
export interface Measured {
  /** 0 to 1. */
  readonly top1: number;
  /** Probabilities of the classes, `[classes]` for every test image. */
  readonly answers: readonly Float32Array[];
  /** Whether each of the images was answered rightly. */
  readonly right: readonly boolean[];
  readonly bytes: number;
  /** Of the file as gzip -9 leaves it. */
  readonly gzipBytes: number;
  /** Convolutions and matrix products that ONNX Runtime runs in float. */
  readonly float: number;
}

/**
 * Runs a model on all test images in ONNX Runtime, one thread, at full optimization.
 *
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN, PREPROCESS_MISMATCH
 */
export async function measureModel(
  file: string,
  { data, preprocessing }: PeerNetwork,
  signal: AbortSignal,
): Promise<Measured> {
  const test = await openDataset(data, 'test');
  const content = await readFile(file);
  return withOptimizedGraph(file, async (session, fusion) => {
    const answers: Float32Array[] = [];
    const right: boolean[] = [];
    const { top1 } = await evaluate(session, test, {
      preprocessing,
      signal,
      onOutcome({ scores, label, predicted }) {
        answers.push(probabilities(scores.slice()));
        right.push(label === predicted);
      },
    });
    const gzipBytes = gzipSync(content, { level: 9 }).byteLength;
    return { top1, answers, right, bytes: content.byteLength, gzipBytes, float: fusion.float.length };
  });
}
