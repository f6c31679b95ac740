import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compress } from '../../exporter/compress.ts';
import { FOLDING } from '../../exporter/passes/index.ts';
import { readPackage } from '../../inference/package.ts';
import type { Model } from '../../onnx/graph.ts';
import { runPasses } from '../../onnx/pass.ts';
import { encodeModel, writeModel } from '../../onnx/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { agreement, relativeDifference, scoresOf } from '../support/networks/agreement.ts';
import { FAMILIES } from '../support/networks/index.ts';
import { wavyPicture, wavyPictures } from '../support/networks/pictures.ts';
import { withStatistics } from '../support/networks/statistics.ts';
import { VARIANTS } from '../support/networks/variants.ts';

const rows: string[][] = [];
const folder = temporaryFolder();

async function structure(name: string, model: Model): Promise<void> {
  const side = Number(model.graph.inputs[0]?.shape?.[2]);
  const path = join(folder(), `${name.replaceAll(/[^\w]+/g, '-')}.onnx`);
  await writeModel(model, path);
  const pictures = Array.from({ length: 24 }, (_, i) => wavyPicture(1000 + i, side));
  const data = { train: wavyPictures(64, side), test: wavyPictures(16, side, 500) };
  for (const clusters of [undefined, 16]) {
    const out = `${path}-${clusters ?? 'int8'}`;
    const started = performance.now();
    const result = await compress({ model: path, data, out, clusters, calibration: 64, threads: 2, allowFloat: true });
    const { manifest, modelPath } = await readPackage(out);
    const float = await scoresOf(path, pictures, manifest.preprocessing);
    const folded = await scoresOf(encodeModel(await runPasses(model, FOLDING)), pictures, manifest.preprocessing);
    const got = await scoresOf(modelPath, pictures, manifest.preprocessing);
    rows.push([
      name,
      String(clusters ?? '-'),
      relativeDifference(float, folded).toExponential(1),
      agreement(float, got).toFixed(3),
      relativeDifference(float, got).toFixed(3),
      `${result.fused.quantized}`,
      `${result.fused.float.length}`,
      (result.baseline.latencyMs / result.candidate.latencyMs).toFixed(2),
      (result.baseline.bytes / result.candidate.bytes).toFixed(2),
      ((performance.now() - started) / 1000).toFixed(1),
      result.fused.float
        .slice(0, 3)
        .map((f) => `${f.opType}: ${f.reason}`)
        .join('; '),
    ]);
    console.log(rows.at(-1)!.join(' | '));
  }
}

describe('structures', () => {
  afterAll(() => console.log(rows.map((row) => row.join(' | ')).join('\n')));
  it.each(Object.entries(FAMILIES))('%s', async (name, build) => {
    await structure(name, await withStatistics(build()));
    expect(1).toBe(1);
  });
  it.each(Object.entries(VARIANTS))('form: %s', async (name, build) => {
    await structure(name, await build());
  });
});
