import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeModel, writeModel } from '../../onnx/file/write.ts';
import { colourClassifier } from '../support/colour-classifier.ts';
import { temporaryFolder } from '../support/folder.ts';
import { greyIn, twoInputs } from '../support/networks/forms.ts';
import { squeezenet } from '../support/networks/squeezenet.ts';
import { until } from '../support/until.ts';
import { runWayside, startWayside } from '../support/wayside.ts';

const COLOURS = [
  { name: 'blue', r: 20, g: 30, b: 200 },
  { name: 'green', r: 20, g: 200, b: 30 },
  { name: 'red', r: 200, g: 20, b: 30 },
];
const plain = ({ r, g, b }: { r: number; g: number; b: number }) =>
  sharp({ create: { width: 20, height: 12, channels: 3, background: { r, g, b } } });

describe('models and images as users really have them', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const evaluate = (model: string, data: string) =>
    runWayside(['evaluate', at(model), '--data', `images:${at(data)}`, '--json']);

  beforeAll(async () => {
    for (const { name, ...colour } of COLOURS) {
      for (const set of ['good', 'corrupt', 'kinds', 'four']) {
        await mkdir(join(at(set), name), { recursive: true });
        await plain(colour)
          .png()
          .toFile(join(at(set), name, '0.png'));
      }
    }
    await writeFile(join(at('corrupt'), 'green', '1.jpg'), Buffer.from('ffd8ffe000104a46494600', 'hex'));
    await mkdir(join(at('four'), 'yellow'));
    await plain({ r: 200, g: 200, b: 0 })
      .png()
      .toFile(join(at('four'), 'yellow', '0.png'));
    await mkdir(at('empty'));
    await writeModel(colourClassifier(), at('m.onnx'));
    await writeModel(greyIn(colourClassifier()), at('grey.onnx'));
    await writeModel(twoInputs(colourClassifier()), at('two.onnx'));
    const features = colourClassifier();
    const outputs = [{ name: 'kept', dtype: 'float32' as const, shape: null }];
    await writeModel({ ...features, graph: { ...features.graph, outputs } }, at('features.onnx'));
    await writeFile(at('two.txt'), 'one\ntwo\n');
  });

  it.each([
    ['one channel', 'grey.onnx', 'good', [], 'PREPROCESS_MISMATCH', /\[N, 1, 8, 8\]/],
    ['two inputs', 'two.onnx', 'good', [], 'PREPROCESS_MISMATCH', /one input, got 2/],
    ['an output that is a map', 'features.onnx', 'good', [], 'MODEL_UNSUPPORTED', /one score a class/],
    ['more classes than the model', 'm.onnx', 'four', [], 'DATASET_INVALID', /4 classes|class 3/],
    ['labels for fewer classes', 'm.onnx', 'good', ['--labels', 'two.txt'], 'DATASET_INVALID', /2 classes.* knows 3/],
    ['a corrupt image', 'm.onnx', 'corrupt', [], 'IMAGE_DECODE', /green\/1\.jpg/],
    ['an empty folder', 'm.onnx', 'empty', [], 'DATASET_INVALID', /no labelled images/],
    ['a folder that is not there', 'm.onnx', 'absent', [], 'DATASET_INVALID', /cannot read/],
  ])('%s: compress says what and what to do, and leaves nothing', async (_, model, data, options, code, message) => {
    const before = await readdir(folder());
    const args = options.map((option) => (option.startsWith('-') ? option : at(option)));
    const set = ['--data', `images:${at(data)}`, '--calibration', '3', '--normalize', 'unit'];
    const run = await runWayside(['compress', at(model), ...set, '--out', at('out'), ...args]);
    expect(run.stderr).toMatch(new RegExp(`^error ${code}: `, 'm'));
    expect(run.stderr).toMatch(message);
    expect(run.stderr).toMatch(/^hint: /m);
    expect(run).toMatchObject({ exit: 65, stdout: '' });
    expect(await readdir(folder())).toEqual(before);
  });

  it('reads images of every kind: CMYK, grey, palette, transparent, 16 bits', async () => {
    const red = plain({ r: 200, g: 20, b: 30 });
    const into = (name: string): string => join(at('kinds'), 'red', name);
    await red.clone().toColourspace('cmyk').jpeg().toFile(into('cmyk.jpg'));
    await red.clone().toColourspace('rgb16').png().toFile(into('deep.png'));
    await red.clone().png({ palette: true }).toFile(into('palette.png'));
    await red.clone().ensureAlpha(0.5).png().toFile(into('alpha.png'));
    await red.clone().greyscale().png().toFile(into('grey.png'));
    await red.clone().greyscale().toColourspace('grey16').png().toFile(into('grey16.png'));
    const run = await evaluate('m.onnx', 'kinds');
    expect(JSON.parse(run.stdout)).toMatchObject({ samples: 9 });
  });

  it('takes a model that may only be read, and counts the bytes of its external data', async () => {
    await mkdir(at('ext'));
    const model = squeezenet({ classes: 3 });
    await writeModel(model, join(at('ext'), 'm.onnx'), { externalData: { minBytes: 1024 } });
    const names = await readdir(at('ext'));
    expect(names.length).toBe(2);
    let bytes = 0;
    for (const name of names) {
      bytes += (await stat(join(at('ext'), name))).size;
      await chmod(join(at('ext'), name), 0o444);
    }
    await chmod(at('ext'), 0o555);
    const run = await evaluate('ext/m.onnx', 'good');
    await chmod(at('ext'), 0o755);
    expect(JSON.parse(run.stdout)).toMatchObject({ bytes });
    expect(bytes).toBeGreaterThan(encodeModel(model).byteLength * 0.99);
  });

  it('an interrupted compress leaves nothing', async () => {
    await writeModel(squeezenet({ classes: 3 }), at('work.onnx'));
    const before = await readdir(folder());
    const data = ['--data', `images:${at('good')}`, '--out', at('out'), '--normalize', 'unit'];
    const { child, done } = startWayside(['compress', at('work.onnx'), ...data]);
    // The handlers are installed by the time the first file of the run is read: wait for the libraries to be loaded.
    const maps = `/proc/${child.pid}/maps`;
    const loaded = async (): Promise<boolean> => (await readFile(maps, 'utf8').catch(() => '')).includes('onnxruntime');
    await until('its libraries', async () => child.exitCode !== null || (await loaded()));
    child.kill('SIGINT');
    const run = await done;
    expect(run.stderr).toMatch(/^error INTERRUPTED: /m);
    expect(run.exit).toBe(130);
    expect(await readdir(folder())).toEqual(before);
  });
});
