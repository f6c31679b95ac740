import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeImage } from '../../calibration/datasets/decode.ts';
import { defaultPreprocessing } from '../../inference/default-preprocessing.ts';
import { type RgbImage, WHOLE_FRAME } from '../../inference/image.ts';
import { parseNormalization } from '../../inference/normalization.ts';
import { createPreprocessor, frameNeeded, inputLength, type Preprocessing } from '../../inference/preprocess.ts';
import { argMax, softmax } from '../../inference/scores.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import { describeWith, program, sharedData } from '../support/requirements.ts';
import { workingSize } from '../support/working-size.ts';

const run = promisify(execFile);

/** Reads one binary PPM frame, as a decoder child writes it. */
function fromPpm(bytes: Buffer): RgbImage {
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(bytes.subarray(0, 40).toString('latin1'));
  if (header === null) throw new Error('ffmpeg gave no PPM frame');
  return { width: Number(header[1]), height: Number(header[2]), data: bytes.subarray(header[0].length) };
}

/** The frame as the box gets it: ffmpeg decodes the image and scales it to the working size. */
async function throughDecoder(path: string, size: { width: number; height: number }): Promise<RgbImage> {
  const scale = `scale=${size.width}:${size.height}:flags=bilinear+accurate_rnd+full_chroma_int`;
  const output = ['-f', 'image2pipe', '-c:v', 'ppm', '-pix_fmt', 'rgb24', '-'];
  const { stdout } = await run(program('ffmpeg') ?? 'ffmpeg', ['-v', 'error', '-i', path, '-vf', scale, ...output], {
    encoding: 'buffer',
    maxBuffer: 64e6,
  });
  return fromPpm(stdout);
}

/** Mean difference of two inputs, in levels of 0 to 255. */
function levelsApart(a: Float32Array, b: Float32Array): number {
  return a.reduce((total, value, i) => total + Math.abs(value - b[i]!), 0) / a.length;
}

describeWith({ needs: ['data', 'ffmpeg'] }, 'preprocessing on the box and in the evaluation', () => {
  const data = sharedData() ?? '';
  const folder = join(data, 'imagenet-sample');
  const model = join(data, 'models/squeezenet/squeezenet_v1.0_deepcompression_fp32.onnx');
  const caffe = parseNormalization('caffe'); // deviation 1/255: inputs are in levels

  let temporary: string;
  beforeAll(async () => {
    temporary = await mkdtemp(join(tmpdir(), 'wayside-camera-path-'));
  });
  afterAll(() => rm(temporary, { recursive: true }));

  /** The photograph without loss of colour, larger than the model wants it: only the resizing differs. */
  const enlarged = async (path: string): Promise<string> => {
    const target = join(temporary, 'enlarged.png');
    await sharp(path).resize({ width: 900 }).png({ compressionLevel: 1 }).toFile(target);
    return target;
  };
  const asItIs = (path: string): Promise<string> => Promise.resolve(path);

  /** Both inputs of every tenth photograph: from its file, and through the decoder at the working size. */
  async function* inputsOf(
    preprocessing: Preprocessing,
    prepare: (path: string) => Promise<string>,
  ): AsyncGenerator<readonly [Float32Array, Float32Array]> {
    const preprocess = createPreprocessor(preprocessing);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
    for (const name of names.filter((_, i) => i % 10 === 0)) {
      const path = await prepare(join(folder, name));
      const image = await decodeImage(path);
      const fromFile = new Float32Array(inputLength(preprocessing));
      preprocess(image, WHOLE_FRAME, fromFile, 0);
      const size = workingSize(frameNeeded(preprocessing, [WHOLE_FRAME]), image);
      const fromBox = new Float32Array(inputLength(preprocessing));
      preprocess(await throughDecoder(path, size), WHOLE_FRAME, fromBox, 0);
      yield [fromFile, fromBox];
    }
  }

  it.each([
    // Only the resizing differs: same answers.
    ['enlarged and lossless', enlarged, { median: 0.7, worst: 1.5, otherAnswers: 0 }],
    // Here chroma differs as well: libvips and ffmpeg enlarge a JPEG's by different filters (median 0.8, worst 1.8
    // measured), and of 50 images two change to an answer the model holds for about as likely.
    ['a JPEG', asItIs, { median: 1.2, worst: 3, otherAnswers: 3 }],
  ])('gives a photograph the same answer through the decoder and from its file: %s', async (_, prepare, allowed) => {
    const session = await openSession(model, { threads: 1 });
    const preprocessing = defaultPreprocessing(session.input.shape, { normalize: caffe });
    const scoresOf = async (input: Float32Array): Promise<Float32Array> => {
      const feeds = { [session.input.name]: floatTensor(input, [1, 3, ...preprocessing.size]) };
      return softmax(floatsOf(await session.run(feeds), session.output.name));
    };
    const apart: number[] = [];
    let otherAnswers = 0;
    for await (const [fromFile, fromBox] of inputsOf(preprocessing, prepare)) {
      apart.push(levelsApart(fromFile, fromBox));
      const [expected, got] = [await scoresOf(fromFile), await scoresOf(fromBox)];
      if (argMax(got) === argMax(expected)) continue;
      otherAnswers++;
      expect(expected[argMax(expected)]! - expected[argMax(got)]!).toBeLessThan(0.1);
    }
    await session.close();
    apart.sort((a, b) => a - b);
    expect(otherAnswers).toBeLessThanOrEqual(allowed.otherAnswers);
    expect(apart[apart.length >> 1]).toBeLessThan(allowed.median);
    expect(apart.at(-1)).toBeLessThan(allowed.worst);
  });

  it('gives a small input nearly the same pixels when the decoder does all of the scaling', async () => {
    const apart: number[] = [];
    const preprocessing = defaultPreprocessing([1, 3, 32, 32], { normalize: caffe });
    for await (const [fromFile, fromBox] of inputsOf(preprocessing, asItIs)) apart.push(levelsApart(fromFile, fromBox));
    apart.sort((a, b) => a - b);
    // Median 0.4, worst 1.0 measured; without accurate_rnd and full_chroma_int 1.8 and 3.4, with bicubic 3.5 and 5.7.
    expect(apart[apart.length >> 1]).toBeLessThan(0.8);
    expect(apart.at(-1)).toBeLessThan(2);
  });
});
