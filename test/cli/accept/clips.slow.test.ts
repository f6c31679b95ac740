import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeIdentityKey } from '../../../core/identity/key.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith, sharedData } from '../../support/requirements.ts';
import { runWayside } from '../../support/wayside.ts';

describeWith({ needs: ['data', 'ffmpeg'] }, 'wayside accept, by a real clip', () => {
  const folder = temporaryFolder();
  const data = (...path: string[]): string => join(sharedData() ?? '', ...path);

  it('agrees with the hand count in volume, and tells a wrong class from a missed car', async () => {
    const [key, out] = [join(folder(), 'key.pem'), join(folder(), 'report')];
    await writeFile(key, makeIdentityKey());
    const model = ['--model', data('models', 'yolox_nano.onnx'), '--head', 'yolox'];
    const clip = data('video', 'intel-car-detection.mp4');
    const { exit, stdout } = await runWayside([
      'accept',
      clip,
      ...model,
      '--key',
      key,
      '--out',
      out,
      '--all',
      '--json',
    ]);
    const verdict = JSON.parse(stdout) as { verdict: string; steps: { name: string }[] };
    // Four cars from straight above: all are counted, and YOLOX-Nano has another word for one of them.
    expect(verdict).toMatchObject({ clips: [{ truth: 4, missed: 0, false: 0, wrongClass: 1 }] });
    expect(verdict.steps.slice(0, 5)).toMatchObject([
      { name: 'volume', status: 'passed', error: 0, certain: false },
      { name: 'flows', status: 'not-judged' },
      { name: 'hourly-volume', status: 'not-judged' },
      { name: 'crossings', status: 'passed', error: 0 },
      { name: 'classes', status: 'failed', error: 0.25 },
    ]);
    expect([exit, verdict.verdict]).toEqual([1, 'refused']);
    expect(await readFile(join(out, 'index.html'), 'utf8')).toContain('intel-car-detection.mp4: aisle, backward');
  });
});
