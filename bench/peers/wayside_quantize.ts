import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openDataset } from '../../calibration/datasets/open.ts';
import { StageLog } from '../../core/stage-log.ts';
import type { CompressOptions } from '../../exporter/commands/compress.ts';
import { FOLDING } from '../../exporter/passes/index.ts';
import { preprocessingOf } from '../../exporter/pipeline/prepare.ts';
import { produce } from '../../exporter/pipeline/quantize-by-plan.ts';
import { readModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { runPasses } from '../../onnx/pass.ts';

// node dist/bench/peers/wayside_quantize.js MODEL DATA OUT --range min-max --calibration 512 --seed 1 [--normalize caffe] [--clusters 16]
// The part of `wayside compress` that a quantizer of others does too: read, fold, calibrate, quantize, write. No evaluation.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    range: { type: 'string' },
    target: { type: 'string', default: 'any' },
    rounding: { type: 'string', default: 'output' },
    calibration: { type: 'string', default: '512' },
    seed: { type: 'string', default: '1' },
    normalize: { type: 'string', default: 'imagenet' },
    clusters: { type: 'string' },
  },
});
const [model = '', data = '', out = ''] = positionals;
const options: CompressOptions = {
  model,
  data,
  out,
  range: values.range as CompressOptions['range'],
  target: values.target,
  rounding: values.rounding as CompressOptions['rounding'],
  calibration: Number(values.calibration),
  seed: Number(values.seed),
  normalize: values.normalize,
  ...(values.clusters === undefined ? {} : { clusters: Number(values.clusters) }),
};
const stages = new StageLog();
const folded = await runPasses(await readModel(model), FOLDING);
const input = folded.graph.inputs[0];
const shape = (input?.shape ?? []).map((dim) => dim ?? 'N');
const preprocessing = preprocessingOf({ name: input?.name ?? '', type: 'float32', shape }, options);
const produced = await produce(folded, await openDataset(data, 'train'), preprocessing, options, stages);
await writeFile(out, encodeModel(produced.model));
process.stdout.write(JSON.stringify({ method: produced.method, stages: stages.entries }));
