import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files of more than half a minute, the longest first: begun last, one alone would hold up the end. Vitest knows by itself only where it
 * has run before, and goes by the size of files elsewhere.
 */
export const LONGEST: readonly string[] = [
  'exporter/commands/compress.slow',
  'onnx/fuzz-real.slow',
  'deploy/drill.slow',
  'exporter/structures-families.slow',
  'exporter/commands/resnet20.slow',
  'exporter/structures-forms.slow',
  'faults/compress.slow',
  'bench/yolox.slow',
  'deploy/rollout/rollout.slow',
  'exporter/prune-finetune/compress.slow',
  'deploy/agent/power-cuts.slow',
  // Encoders of 720 lines and late frames to the millisecond: beside it runs what waits.
  'faults/lag.waiting',
  'faults/thin-link.waiting',
  'daemon/camera/connect.waiting',
  'daemon/camera/view.waiting',
  'daemon/camera/faults.waiting',
  'daemon/camera/stream.waiting',
  'e2e/update.waiting',
  'faults/trial.waiting',
];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const index = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return index < 0 ? LONGEST.length : index;
};

/** Vitest's own order of projects and files, but for the longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = (file: TestSpecification): number => file.project.config.sequence.groupOrder;
    return (await super.sort(files)).toSorted((a, b) => order(a) - order(b) || rankOf(a) - rankOf(b));
  }
}
