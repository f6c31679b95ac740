import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { followDetectorGuide } from '../support/detector-guide.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeWith, sharedData } from '../support/requirements.ts';

const folder = temporaryFolder();

describeWith({ needs: ['data', 'ffmpeg'] }, 'the guide for detectors, with YOLOX-Nano on a real street', () => {
  it('leads from the export to counts', async () => {
    const data = sharedData() ?? '';
    await copyFile(join(data, 'models', 'yolox_nano.onnx'), join(folder(), 'yolox_nano.onnx'));
    const clip = join(data, 'video', 'vct-input-video.mp4');
    // Two frames a second are compressed with; counting looks at every one, and nothing is asked of its counts here.
    const few = ['-vf', 'fps=4', '-c:v', 'libx264', '-preset', 'superfast', '-crf', '12'];
    const part = ['-loglevel', 'error', '-t', '16', '-i', clip, '-an', ...few];
    await promisify(execFile)('ffmpeg', [...part, join(folder(), 'street.mp4')]);
    const runs = await followDetectorGuide(folder());
    expect(runs.map(({ exit, stderr }) => [exit, exit === 0 ? '' : stderr])).toEqual([
      [0, ''],
      [0, ''],
      [0, ''],
    ]);
    const [compressed, evaluated] = runs.map(({ stdout }) => JSON.parse(stdout) as Record<string, never>);
    for (const { agreement } of [compressed, evaluated] as unknown as { agreement: { f1: number; iou: number } }[]) {
      expect(agreement.f1).toBeGreaterThan(0.9);
      expect(agreement.iou).toBeGreaterThan(0.85);
    }
    expect(compressed).toMatchObject({ head: 'yolox' });
  });
});
