import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files of more than half a minute, the longest first: begun last, one alone would hold up the end. Vitest knows by itself only where it
 * has run before, and goes by the size of files elsewhere.
 */
export const LONGEST: readonly string[] = [
  // Waits for most of two and a half minutes.
  'deploy/drill.slow',
  'exporter/commands/compress.slow',
  'exporter/structures-families.slow',
  'onnx/fuzz-real.slow',
  'exporter/commands/resnet20.slow',
  'exporter/structures-forms.slow',
  'cli/detector-guide.slow',
  'deploy/agent/power-cuts.slow',
  'faults/compress.slow',
  'daemon/camera/view/clips.slow',
  'deploy/rollout/rollout.slow',
  'exporter/prune-finetune/compress.slow',
  'bench/yolox.slow',
  // Watches cameras for two minutes.
  'faults/lag.waiting',
  'faults/traffic.waiting',
  'faults/thin-link.waiting',
  'daemon/camera/connect.waiting',
  'faults/journal-daemon.waiting',
  'e2e/update.waiting',
  'demo/run.waiting',
  'daemon/camera/faults.waiting',
  'daemon/camera/stream.waiting',
  'daemon/camera/view.waiting',
  'faults/trial.waiting',
];

/** Begun after all others: they take the processor that late frames need. */
const LATE: readonly string[] = [
  'daemon/drill/drill.waiting',
  'daemon/doctor/broken-cameras.waiting',
  'cli/init/path.waiting',
  'faults/detector-trial.waiting',
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
