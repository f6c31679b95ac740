import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { decodePicture } from '../../calibration/datasets/decode.ts';
import { type RgbImage, WHOLE_FRAME } from '../../inference/image.ts';
import { parseNormalization } from '../../inference/normalization.ts';
import {
  createPreprocessor,
  defaultPreprocessing,
  frameNeeded,
  inputLength,
  workingSize,
} from '../../inference/preprocess.ts';
import { argMax, softmax } from '../../inference/scores.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import { describeWith, program, sharedData } from '../support/requirements.ts';

const run = promisify(execFile);

/** Reads one binary PPM frame, as a decoder child writes it. */
function fromPpm(bytes: Buffer): RgbImage {
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(bytes.subarray(0, 40).toString('latin1'));
  if (header === null) throw new Error('ffmpeg gave no PPM frame');
  return { width: Number(header[1]), height: Number(header[2]), data: bytes.subarray(header[0].length) };
}

/** The frame as the box gets it: ffmpeg decodes the picture and scales it to the working size. */
async function throughDecoder(path: string, size: { width: number; height: number }): Promise<RgbImage> {
  const scale = `scale=${size.width}:${size.height}:flags=bilinear+accurate_rnd+full_chroma_int`;
  const output = ['-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', '-'];
  const { stdout } = await run(program('ffmpeg') ?? 'ffmpeg', ['-v', 'error', '-i', path, '-vf', scale, ...output], {
    encoding: 'buffer',
    maxBuffer: 64e6,
  });
  return fromPpm(stdout);
}

describeWith({ needs: ['data', 'ffmpeg'] }, 'preprocessing on the box and in the evaluation', () => {
  it('is the same: a photograph through the decoder gives the answer it gives from its file', async () => {
    const data = sharedData() ?? '';
    const folder = join(data, 'imagenet-sample');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
    const model = join(data, 'models/squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx');
    const session = await openSession(model, { threads: 2 });
    const preprocessing = defaultPreprocessing(session.input.shape, { normalize: parseNormalization('caffe') });
    const preprocess = createPreprocessor(preprocessing);
    const [fromFile, fromBox] = [0, 1].map(() => new Float32Array(inputLength(preprocessing)));
    const scoresOf = async (input: Float32Array): Promise<Float32Array> => {
      const feeds = { [session.input.name]: floatTensor(input, [1, 3, ...preprocessing.size]) };
      return softmax(floatsOf(await session.run(feeds), session.output.name));
    };

    const differences: number[] = [];
    let disagreements = 0;
    for (const name of names.filter((_, i) => i % 10 === 0)) {
      const path = join(folder, name);
      const image = await decodePicture(path);
      preprocess(image, WHOLE_FRAME, fromFile!, 0);
      const size = workingSize(frameNeeded(preprocessing, [WHOLE_FRAME]), image);
      preprocess(await throughDecoder(path, size), WHOLE_FRAME, fromBox!, 0);
      const sum = fromFile!.reduce((total, value, i) => total + Math.abs(value - fromBox![i]!), 0);
      differences.push(sum / fromFile!.length);
      const [expected, got] = [await scoresOf(fromFile!), await scoresOf(fromBox!)];
      const answer = argMax(expected);
      // Two answers the model itself holds for about equally likely may change places.
      if (argMax(got) !== answer && expected[answer]! - expected[argMax(got)]! > 0.1) disagreements++;
    }
    await session.close();
    expect(disagreements).toBe(0);
    differences.sort((a, b) => a - b);
    // In levels of 0 to 255: ffmpeg and libvips upsample chroma differently, the resize itself is within one level.
    expect(differences[differences.length >> 1]).toBeLessThan(2.5);
    expect(differences.at(-1)).toBeLessThan(8);
  });
});
