import type { Body } from '../contract/messenger.ts';
import { labelOf } from '../inference/scores.ts';
import type { Frame } from './camera/types.ts';
import type { CameraEntry } from './cameras.ts';
import type { Job } from './inference/client.ts';
import type { Ready, Result } from './inference/protocol.ts';
import type { Crop } from './motion/crops.ts';
import { placeBody, type Region } from './regions/regions.ts';
import type { Stage } from './telemetry/stages.ts';

/** A frame that is with the model, and what must be known of it when the answer comes. */
export interface PendingFrame {
  readonly camera: string;
  readonly regions: readonly Region[];
  /** What moves, shown to a classifier after the regions; undefined where that is not asked for. */
  readonly proposals?: readonly Crop[] | undefined;
  readonly frame: Frame;
  /** What the process that the frame was handed to said of itself. */
  readonly ready: Ready;
  /** ms of `performance.now()`. */
  readonly submittedAt: number;
}

export function jobFor(
  { config, regions }: CameraEntry,
  { width, height, data }: Frame,
  proposals: readonly Crop[] = [],
): Job {
  return {
    width,
    height,
    data,
    boxes: [...regions.map((region) => region.box), ...proposals.map(({ shown }) => shown)],
    polygons: regions.map((region) => region.polygon),
    topK: config.topK,
    threshold: config.threshold ?? Number.NaN,
  };
}

const thousandth = (value: number): number => Math.round(value * 1000) / 1000;

/** Scores are shares; the fifth digit is noise of the arithmetic. */
export const roundedScore = (value: number): number => Math.min(1, Math.round(value * 1e5) / 1e5);

/** The least score of an object that is reported. @param configured of its camera */
export const leastScore = ({ thresholds }: Pick<Ready, 'thresholds'>, name: string, configured?: number): number =>
  configured ?? thresholds.classes?.[name] ?? thresholds.score;

/** @param now ms of `performance.now()`, just before the message is handed over */
export function detectionsBody(pending: PendingFrame, result: Result, now: number): Body<'detections'> {
  const { frame, regions, ready } = pending;
  const labels = ready.labels ?? undefined;
  const { sequence, connection, ptsSeconds, width, height } = frame;
  return {
    model: ready.model,
    camera: pending.camera,
    frame: { sequence, connection, ptsSeconds, width, height },
    latencyMs: {
      wait: thousandth(pending.submittedAt - frame.capturedAt),
      preprocess: thousandth(result.preprocessMs),
      run: thousandth(result.runMs),
      total: thousandth(now - frame.capturedAt),
    },
    regions: regions.map(({ name, ...place }, region) => ({
      region: name,
      ...placeBody(place),
      classes: (result.regions[region] ?? []).map((each) => ({
        class: labelOf(labels, each.index),
        classIndex: each.index,
        score: roundedScore(each.score),
      })),
    })),
  };
}

export function stageTimes(
  pending: PendingFrame,
  result: Result,
  receivedAt: number,
  now: number,
): Record<Stage, number> {
  const { capturedAt } = pending.frame;
  return {
    wait: pending.submittedAt - capturedAt,
    preprocess: result.preprocessMs,
    run: result.runMs,
    publish: now - receivedAt,
    total: now - capturedAt,
  };
}
