import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPackage } from '../../inference/read-package.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeWith } from '../support/requirements.ts';
import { spotDetector, writeSpotVideo } from '../support/spot-detector.ts';
import { runWayside } from '../support/wayside.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder(), name);

beforeAll(() => writeModel(spotDetector(), at('spots.onnx')));

describeWith({ needs: ['ffmpeg'] }, 'a detector and a video', () => {
  beforeAll(() => writeSpotVideo(at('street.mkv')));

  it('become a package that counts', async () => {
    const data = ['--data', `video:${at('street.mkv')}`];
    const run = await runWayside([
      'compress',
      at('spots.onnx'),
      '--head',
      'yolox',
      ...data,
      '--out',
      at('spots'),
      '--json',
    ]);
    expect(run.stderr).toContain('finds 3 boxes in 3 images');
    expect(run.exit).toBe(0);
    const document = JSON.parse(run.stdout) as Record<string, unknown>;
    expect(document).toMatchObject({ head: 'yolox', agreement: { expected: 3, f1: 1, images: 3 } });
    const { manifest } = await readPackage(at('spots'));
    expect(manifest).toMatchObject({ task: 'detector', measured: { data: data[1], candidate: { boxes: { f1: 1 } } } });
    const evaluated = await runWayside(['evaluate', at('spots'), ...data, '--reference', at('spots.onnx'), '--json']);
    expect(evaluated.exit).toBe(0);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ agreement: { expected: 12, found: 12, f1: 1, images: 12 } });
  });

  it('becomes an int8 file by its boxes', async () => {
    const run = await runWayside([
      ...['quantize', at('spots.onnx'), '--head', 'yolox', '--data', `video:${at('street.mkv')}`],
      ...['--out', at('spots-int8.onnx')],
    ]);
    expect(run.exit).toBe(0);
    expect(run.stdout).toContain("from the float model's boxes, on 3 held-out images");
  });

  it('is refused where labels are needed, and where it is no video', async () => {
    const asClassifier = await runWayside([
      'compress',
      at('spots.onnx'),
      '--data',
      `video:${at('street.mkv')}`,
      '--out',
      at('no'),
    ]);
    expect(asClassifier.exit).toBe(64);
    expect(asClassifier.stderr).toContain('frames of a video have no classes');
    const compress = (video: string) =>
      runWayside(['compress', at('spots.onnx'), '--head', 'yolox', '--data', `video:${video}`, '--out', at('no')]);
    expect(await compress(at('spots.onnx'))).toMatchObject({
      exit: 65,
      stderr: expect.stringContaining('VIDEO_INVALID') as string,
    });
    expect(await compress(at('absent.mp4'))).toMatchObject({
      exit: 66,
      stderr: expect.stringContaining('FILE_NOT_FOUND') as string,
    });
  });
});

describe('options that want classes', () => {
  it.each([
    ['--budget', '1'],
    ['--qat-epochs', '1'],
    ['--prune-flops', '0.5'],
    ['--limit', '5'],
  ])('%s does not go with --head', async (...option) => {
    const run = await runWayside([
      'compress',
      at('spots.onnx'),
      '--head',
      'yolox',
      '--data',
      'images:.',
      '--out',
      at('no'),
      ...option,
    ]);
    expect(run).toMatchObject({
      exit: 64,
      stderr: expect.stringContaining(`${option[0]} does not go with --head`) as string,
    });
  });
});
