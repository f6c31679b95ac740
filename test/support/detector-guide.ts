import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shellSteps } from './guide-blocks.ts';
import { type Run, runWayside } from './wayside.ts';

/** A line across the middle. */
const LINES = 'lines:\n  - id: middle\n    from: [0, 0.5]\n    to: [1, 0.5]\n';

/**
 * Follows `docs/guide/detectors.md` word for word, in a folder that has `yolox_nano.onnx` and `street.mp4`: each command's run, its document
 * asked for.
 */
export async function followDetectorGuide(folder: string): Promise<readonly Run[]> {
  await writeFile(join(folder, 'lines.yaml'), LINES);
  const runs: Run[] = [];
  for (const { commands } of shellSteps('docs/guide/detectors.md', 'From an export to a package'))
    for (const line of commands.split('\n')) {
      const [program, ...args] = line.split(' ');
      if (program !== 'wayside') throw new Error(`the guide runs ${line}`);
      // Another test file has the other processor.
      runs.push(await runWayside([...args, '--json', '--threads', '1'], { cwd: folder }));
    }
  return runs;
}
