import { basename, join } from 'node:path';
import { z } from 'zod';
import { inspectModel } from '../../../cli/inspection.ts';
import { messageOf, WaysideError } from '../../../core/errors.ts';
import { readModel } from '../../../onnx/file/read.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { PEERS } from '../../harness/peers/environment.ts';
import { runChild } from '../../harness/process/child.ts';

const PYTHON = 'WAYSIDE_ONNX_PYTHON';

const Suite = z.object({
  onnx: z.string(),
  onnxruntime: z.string(),
  models: z.array(
    z.object({ path: z.string(), accepted: z.boolean(), outputs: z.record(z.string(), z.array(z.number())) }),
  ),
});

interface Tried {
  /** Said why it does not read the model: undefined where it does. */
  readonly refusal?: string;
  readonly crash?: string;
  /** Dimensions that were inferred as numbers, and those of them that are not what the test data has. */
  readonly compared: number;
  readonly wrong: readonly string[];
}

async function tryModel({ path, outputs }: z.infer<typeof Suite>['models'][number]): Promise<Tried> {
  try {
    const model = await readModel(path);
    inspectModel(model);
    const types = inferShapes(model, { onContradiction: () => {} });
    let compared = 0;
    const wrong: string[] = [];
    for (const [name, expected] of Object.entries(outputs)) {
      const shape = types.get(name)?.shape;
      if (!shape) continue;
      const known = shape.filter((dim) => typeof dim === 'number').length;
      compared += known;
      const fits =
        shape.length === expected.length && shape.every((dim, i) => typeof dim !== 'number' || dim === expected[i]);
      if (!fits) wrong.push(`${basename(path)} ${name}: ${JSON.stringify(shape)} for ${JSON.stringify(expected)}`);
    }
    return { compared, wrong };
  } catch (thrown) {
    if (thrown instanceof WaysideError)
      return { refusal: `${basename(path)}: ${thrown.message}`, compared: 0, wrong: [] };
    return { crash: `${basename(path)}: ${messageOf(thrown)}`, compared: 0, wrong: [] };
  }
}

/** Every model of ONNX's own tests goes through the reader, shape inference and `inspect`. */
export const onnxSuite: Benchmark = {
  name: 'onnx-suite',
  title: "ONNX's own test suite: what is read, and whether inferred shapes are right",
  method:
    "Every model of ONNX's backend tests is read, inspected and its shapes inferred; inferred sizes are compared with the outputs in the test data. " +
    'What the checker of ONNX (full check) and ONNX Runtime both accept must be read. Python with both packages is named by WAYSIDE_ONNX_PYTHON.',
  layout: 'list',
  needs: [],
  async run({ scratch, signal, say }) {
    const python = process.env[PYTHON];
    if (python === undefined) return { skipped: `set ${PYTHON} to a Python that has onnx and onnxruntime` };
    say('writing the suite');
    const { stdout } = await runChild(python, [join(PEERS, 'onnx_suite.py'), scratch], { signal });
    const suite = Suite.parse(JSON.parse(stdout));
    const tried: (Tried & { readonly accepted: boolean })[] = [];
    for (const model of suite.models) {
      signal.throwIfAborted();
      tried.push({ ...(await tryModel(model)), accepted: model.accepted });
    }
    const accepted = tried.filter((each) => each.accepted);
    const unread = accepted.filter(({ refusal, crash }) => refusal !== undefined || crash !== undefined);
    const crashes = tried.flatMap(({ crash }) => crash ?? []);
    const wrong = tried.flatMap((each) => each.wrong);
    const none = { limit: { atMost: 0 } };
    const subject = "ONNX's backend tests";
    const figures: Figure[] = [
      { subject, measure: 'models', value: tried.length, unit: '' },
      { subject, measure: 'accepted by checker and runtime', value: accepted.length, unit: '' },
      { subject, measure: 'accepted but not read', value: unread.length, unit: '', ...none },
      { subject, measure: 'crashes', value: crashes.length, unit: '', ...none },
      { subject, measure: 'sizes compared', value: tried.reduce((sum, { compared }) => sum + compared, 0), unit: '' },
      { subject, measure: 'wrong shapes', value: wrong.length, unit: '', ...none },
    ];
    const refusals = unread.flatMap(({ refusal }) => refusal ?? []);
    const notes = [`onnx ${suite.onnx}, onnxruntime ${suite.onnxruntime}`, ...crashes, ...wrong, ...refusals];
    return { figures, notes: notes.slice(0, 20) };
  },
};
