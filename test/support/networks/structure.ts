import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { table } from '../../../cli/table.ts';
import { compress } from '../../../exporter/commands/compress.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { encodeModel, writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { upgradeOpset } from '../../../onnx/opset.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { temporaryFolder } from '../folder.ts';
import { agreement, relativeDifference, scoresOf } from './agreement.ts';
import { wavyImage, wavyImages } from './images.ts';

/**
 * Correlation with the float scores that random weights must keep: nothing in them is robust as in trained ones, and 50
 * layers of them multiply every rounding error. Unrelated scores have 0 +- 0.07.
 */
const KEPT = { int8: 0.8, clustered: 0.45 };

/**
 * For the tests of one file: their folder, and a table of what was found at their end.
 *
 * @param calibration images; deep networks with codebooks keep too little by fewer than 48
 */
export function structureTrials({ calibration = 48 } = {}) {
  const rows = [['network', 'clusters', 'folded', 'agreement', 'int8', 'float', 'smaller']];
  const folder = temporaryFolder();
  afterAll(() => process.stdout.write(`${table(rows)}\n`));

  /** Through the whole exporter, as `wayside compress` would. */
  async function through(name: string, model: Model, clusters?: number) {
    const side = Math.max(...(model.graph.inputs[0]?.shape ?? []).map(Number).filter(Number.isFinite));
    const stem = join(folder(), `${name.replaceAll(/\W+/g, '-')}-${clusters ?? 'int8'}`);
    const path = `${stem}.onnx`;
    await writeModel(model, path);
    const data = { train: wavyImages(calibration, side), test: wavyImages(16, side, 500) };
    // Random weights have nothing to spare: with codebooks, layers behind fifty others are mostly noise.
    const allowed = { allowFloat: true, allowNoisyLayers: clusters !== undefined };
    // Three runs: how fast it is on the way decides nothing here.
    const given = { model: path, data, threads: 1, latencyBudgetMs: 0 };
    const result = await compress({ ...given, out: stem, clusters, ...allowed });
    return { path, result, package: await readPackage(stem), images: wavyImages(24, side, 1000) };
  }

  async function requireStructure(name: string, model: Model, clusters?: number): Promise<void> {
    const { path, result, package: made, images } = await through(name, model, clusters);
    const { preprocessing } = made.manifest;
    const shown = Array.from({ length: images.size }, (_, i) => wavyImage(1000 + i, preprocessing.size[0]));
    const float = await scoresOf(path, shown, preprocessing);
    const foldedModel = await runPasses(upgradeOpset(model, 13), FOLDING);
    const folded = relativeDifference(float, await scoresOf(encodeModel(foldedModel), shown, preprocessing));
    const kept = agreement(float, await scoresOf(made.modelPath, shown, preprocessing));
    const { baseline, candidate, fused } = result;
    rows.push([
      name,
      `${clusters ?? '-'}`,
      folded.toExponential(0),
      kept.toFixed(3),
      `${fused.quantized}`,
      `${fused.float.length}`,
      (baseline.bytes / candidate.bytes).toFixed(2),
    ]);
    expect(folded).toBeLessThan(1e-5);
    expect(fused.float).toEqual([]);
    expect(fused.quantized).toBeGreaterThan(10);
    expect(kept).toBeGreaterThan(clusters === undefined ? KEPT.int8 : KEPT.clustered);
    expect(baseline.bytes / candidate.bytes).toBeGreaterThan(clusters === undefined ? 2.5 : 3.4);
  }

  return { through, requireStructure };
}
