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
  'daemon/camera/faults.waiting',
  'daemon/camera/stream.waiting',
  'e2e/update.waiting',
  'faults/trial.waiting',
];

/** Begun after all others: they take the processor that late frames need. */
const LATE: readonly string[] = [
  'daemon/drill/drill.waiting',
  'daemon/doctor/broken-cameras.waiting',
  'cli/init/path.waiting',
  'faults/detector-trial.waiting',
  'daemon/camera/view.waiting',
];

const isNamed = (moduleId: string, name: string): boolean => moduleId.endsWith(`/test/${name}.test.ts`);

const rankOf = ({ moduleId }: TestSpecification): number => {
  const index = LONGEST.findIndex((name) => isNamed(moduleId, name));
  if (index >= 0) return index;
  return LONGEST.length + 1 + LATE.findIndex((name) => isNamed(moduleId, name));
};

/** Vitest's own order of projects and files, but for the longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const order = (file: TestSpecification): number => file.project.config.sequence.groupOrder;
    return (await super.sort(files)).toSorted((a, b) => order(a) - order(b) || rankOf(a) - rankOf(b));
  }
}
