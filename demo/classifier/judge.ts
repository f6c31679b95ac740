import { join } from 'node:path';
import { evaluate } from '../../calibration/evaluate.ts';
import { readPackage } from '../../inference/read-package.ts';
import { softmax } from '../../inference/scores.ts';
import { openSession } from '../../inference/session.ts';
import { CLASSES } from '../scene/types.ts';
import { type Accuracy, Tally } from '../tally.ts';
import type { KeptDataset } from './kept-dataset.ts';

/** How a package answers on regions whose truth is known. */
export interface Judgement {
  readonly accuracy: Accuracy;
  /** Mean probability of the answers given, where the truth is clear and where it is contested. */
  readonly confidence: { readonly clear: number; readonly contested: number };
  /** Expected calibration error, 0 to 1. */
  readonly calibrationError: number;
}

/** Lets the package in `folder` answer every region. */
export async function judge(folder: string, regions: KeptDataset): Promise<Judgement> {
  const { manifest } = await readPackage(folder);
  const contested = new Set<string>();
  for await (const { id, contested: unsure } of regions.samples()) if (unsure) contested.add(id);
  const tally = new Tally();
  const answers: { readonly probability: number; readonly right: boolean; readonly contested: boolean }[] = [];
  const session = await openSession(join(folder, 'model.onnx'));
  try {
    await evaluate(session, regions, {
      preprocessing: manifest.preprocessing,
      onOutcome: ({ id, label, predicted, scores }) => {
        const truth = { class: CLASSES[label] ?? 'empty', contested: contested.has(id) };
        tally.add(CLASSES[predicted] ?? '', truth);
        const probability = softmax(scores)[predicted] ?? 0;
        answers.push({ probability, right: predicted === label, contested: truth.contested });
      },
    });
  } finally {
    await session.close();
  }
  const mean = (of: typeof answers): number => of.reduce((sum, { probability }) => sum + probability, 0) / of.length;
  return {
    accuracy: tally.result(),
    confidence: {
      clear: mean(answers.filter((answer) => !answer.contested)),
      contested: mean(answers.filter((answer) => answer.contested)),
    },
    calibrationError: calibrationError(answers),
  };
}

/**
 * Distance between how sure the answers were and how many of them were right, in bins of equal width, weighted by the
 * answers in each (Guo 2017, equation 5).
 */
export function calibrationError(
  answers: readonly { readonly probability: number; readonly right: boolean }[],
  bins = 10,
): number {
  const distances = Array.from({ length: bins }, () => 0);
  for (const { probability, right } of answers) {
    distances[Math.min(bins - 1, Math.floor(probability * bins))]! += probability - Number(right);
  }
  return distances.reduce((sum, distance) => sum + Math.abs(distance), 0) / answers.length;
}
