import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeModel } from '../../onnx/file/write.ts';
import { followDetectorGuide } from '../support/detector-guide.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeWith } from '../support/requirements.ts';
import { spotDetector, writeSpotVideo } from '../support/spot-detector.ts';

const folder = temporaryFolder();

describeWith({ needs: ['ffmpeg'] }, 'the guide for detectors, with a detector of bright spots', () => {
  it('leads from the export to counts', async () => {
    await writeModel(spotDetector(), join(folder(), 'yolox_nano.onnx'));
    await writeSpotVideo(join(folder(), 'spots.mkv'));
    await rename(join(folder(), 'spots.mkv'), join(folder(), 'street.mp4'));
    const runs = await followDetectorGuide(folder());
    expect(runs.map(({ exit, stderr }) => [exit, exit === 0 ? '' : stderr])).toEqual([
      [0, ''],
      [0, ''],
      [0, ''],
    ]);
    const [compressed, evaluated, counted] = runs.map(({ stdout }) => JSON.parse(stdout) as Record<string, unknown>);
    expect(compressed).toMatchObject({ agreement: { f1: 1 } });
    expect(evaluated).toMatchObject({ agreement: { f1: 1, expected: 12 } });
    // The spot's ground point, 8 pixels below its middle and more, passes the middle once on its way down.
    expect(JSON.stringify(counted)).toContain('"middle"');
  });
});
