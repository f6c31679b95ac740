import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openDataset } from '../../calibration/datasets/open.ts';
import { runContext } from '../../core/run/context.ts';
import { FOLDING } from '../../exporter/passes/index.ts';
import { preprocessingOf } from '../../exporter/pipeline/prepare.ts';
import { quantizeByPlan } from '../../exporter/pipeline/quantize-by-plan.ts';
import { type PlanOptions, planOf } from '../../exporter/plan/plan-of.ts';
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
const plan = planOf({
  range: values.range as PlanOptions['range'],
  target: values.target,
  rounding: values.rounding as PlanOptions['rounding'],
  calibration: Number(values.calibration),
  seed: Number(values.seed),
  ...(values.clusters === undefined ? {} : { clusters: Number(values.clusters) }),
});
const context = runContext();
const folded = await runPasses(await readModel(model), FOLDING);
const input = folded.graph.inputs[0];
const shape = (input?.shape ?? []).map((dim) => dim ?? 'N');
const { normalize } = values;
const preprocessing = preprocessingOf({ name: input?.name ?? '', type: 'float32', shape }, { normalize });
const train = await openDataset(data, 'train');
const quantized = await quantizeByPlan(folded, train, plan, { preprocessing }, context);
await writeFile(out, encodeModel(quantized.model));
process.stdout.write(JSON.stringify({ method: quantized.method, stages: context.log.entries }));
