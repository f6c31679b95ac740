import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledModule } from '../../core/layout.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import { decodeModel } from '../../onnx/file/read.ts';
import { colourClassifierBytes } from '../support/colour-classifier.ts';

const image = (batch: number) => floatTensor(new Float32Array(batch * 3 * 64).fill(0.5), [batch, 3, 8, 8]);

describe('openSession', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-session-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('says what the model takes and gives, symbols by their name', async () => {
    const session = await openSession(colourClassifierBytes());
    expect(session.inputs).toEqual([{ name: 'image', type: 'float32', shape: ['N', 3, 8, 8] }]);
    expect(session.output).toEqual({ name: 'scores', type: 'float32', shape: ['N', 3] });
    await session.close();
  });

  it('computes batches of any size where the batch is open', async () => {
    const session = await openSession(colourClassifierBytes());
    for (const batch of [1, 3]) {
      const results = await session.run({ image: image(batch) });
      expect(results['scores']?.dims).toEqual([batch, 3]);
      expect(floatsOf(results, 'scores')).toHaveLength(3 * batch);
    }
    await session.close();
  });

  it('fills memory that was handed to it', async () => {
    const session = await openSession(colourClassifierBytes());
    const into = { scores: floatTensor(new Float32Array(3).fill(-1), [1, 3]) };
    const data = new Float32Array(3 * 64);
    data.fill(1, 0, 64);
    await session.run({ image: floatTensor(data, [1, 3, 8, 8]) }, { into });
    expect([...into.scores.data]).toEqual([10, 0, 0]);
    await session.close();
  });

  it('writes the rewritten graph where it is asked to', async () => {
    const optimizedModelPath = join(folder, 'optimized.onnx');
    const session = await openSession(colourClassifierBytes(), { optimizedModelPath, optimization: 'extended' });
    await session.close();
    const { graph } = decodeModel(await readFile(optimizedModelPath));
    expect(graph.nodes.map(({ opType }) => opType)).toContain('FusedConv');
  });

  it('passes configuration entries on', async () => {
    const asOrt = openSession(colourClassifierBytes(), { config: { 'session.load_model_format': 'ORT' } });
    await expect(asOrt).rejects.toMatchObject({ code: 'SESSION_LOAD' });
  });

  it('reports a model that cannot be loaded, from bytes and from a file', async () => {
    await expect(openSession(new Uint8Array(20).fill(9))).rejects.toMatchObject({ code: 'SESSION_LOAD' });
    const path = join(folder, 'no.onnx');
    await expect(openSession(path)).rejects.toMatchObject({
      code: 'SESSION_LOAD',
      message: expect.stringContaining(path),
    });
  });

  it('reports a run with an image of the wrong shape', async () => {
    const session = await openSession(colourClassifierBytes());
    const wrong = floatTensor(new Float32Array(3), [1, 3, 1, 1]);
    await expect(session.run({ image: wrong })).rejects.toMatchObject({ code: 'SESSION_RUN' });
    await session.close();
  });

  it('leaves no trace of telemetry in the home of its user', async () => {
    const model = join(folder, 'model.onnx');
    await writeFile(model, colourClassifierBytes());
    const url = pathToFileURL(compiledModule('inference/session')).href;
    const script = `const { openSession } = await import(${JSON.stringify(url)}); await (await openSession(process.argv[1])).close();`;
    const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, model], {
      env: { ...env, HOME: folder, XDG_CACHE_HOME: '' },
    });
    expect(existsSync(join(folder, '.cache'))).toBe(false);
  });
});
