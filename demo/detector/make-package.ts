/** `npm run demo:detector [FOLDER]`: trains the detector of the rendered street and writes its package. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asWaysideError, formatError } from '../../core/errors.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import type { Progress } from '../../core/progress.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { STREET_TRAINING, trainDetector } from './train.ts';
import { writeDetectorPackage } from './write-package.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** A line for each stage, and for every twentieth of one. */
function sayProgress(): (progress: Progress) => void {
  let said = '';
  return ({ stage, done, total, detail }) => {
    const part = `${stage} ${total === undefined ? '' : `${5 * Math.floor((20 * done) / total)} %`}`;
    if (part !== said) say(`${part} ${detail ?? ''}`);
    said = part;
  };
}

async function makePackage(out: string): Promise<void> {
  const onProgress = sayProgress();
  const folder = await mkdtemp(join(tmpdir(), 'wayside-street-'));
  try {
    const float = join(folder, 'float.onnx');
    await writeModel(await trainDetector({ ...STREET_TRAINING, onProgress }), float);
    process.stdout.write(await writeDetectorPackage(float, out, onProgress));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await makePackage(process.argv[2] ?? join(PACKAGE_ROOT, 'demo', 'detector-package')).catch((thrown: unknown) => {
  const error = asWaysideError(thrown);
  say(formatError(error));
  process.exitCode = error.exitCode;
});
