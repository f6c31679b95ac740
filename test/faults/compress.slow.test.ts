import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../core/random.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { writeColours } from '../support/tiny-classifier.ts';
import { runWayside, startWayside } from '../support/wayside.ts';
import { wideClassifier } from '../support/wide-classifier.ts';

const KILLS = 20;

describe('a compress that is killed', () => {
  const folder = temporaryFolder();

  it(`goes on to the identical file, ${KILLS} kills later`, async () => {
    const place = folder();
    await mkdir(join(place, 'data'));
    await writeColours(
      join(place, 'data'),
      Array.from({ length: 300 }, (_, i) => i % 3),
    );
    await writeModel(wideClassifier(), join(place, 'wide.onnx'));
    const given = ['compress', join(place, 'wide.onnx'), '--data', `cifar10:${join(place, 'data')}`, '--threads', '1'];
    const asked = ['--calibration', '64', '--prune-flops', '0.5', '--finetune-epochs', '2', '--clusters', '8'];
    const run = (out: string): string[] => [...given, ...asked, '--out', join(place, out)];

    const started = performance.now();
    expect(await runWayside(run('whole'))).toMatchObject({ exit: 0 });
    const duration = performance.now() - started;

    const model = (out: string): Promise<Buffer> => readFile(join(place, out, 'model.onnx'));
    const expected = await model('whole');
    const random = seededRandom(1);
    for (let kill = 0; kill < KILLS; kill++) {
      const { child, done } = startWayside(run('killed'));
      await Promise.race([after(random.next() * duration), done]);
      child.kill('SIGKILL');
      await done;
      if (!existsSync(join(place, 'killed'))) continue;
      // It was quicker than the kill: what it made must be right, and the next one begins anew.
      expect(await model('killed')).toEqual(expected);
      await rm(join(place, 'killed'), { recursive: true });
    }
    expect(await runWayside(run('killed'))).toMatchObject({ exit: 0 });
    expect(await model('killed')).toEqual(expected);
    expect((await readdir(place)).filter((name) => name.endsWith('.work'))).toEqual([]);
  });
});
