import { createInterface } from 'node:readline';
import { crossEntropy } from '../../compression/autodiff/losses/cross-entropy.ts';
import { buildTrainingGraph } from '../../compression/autodiff/training-graph.ts';
import { ofWholeBatch, openSteppers, shardsOf } from '../../compression/training/data-parallel/shards.ts';
import { buildNetwork } from '../../compression/training/networks/registry.ts';
import { sgd } from '../../compression/training/optimizers/sgd.ts';
import { stepPlan } from '../../compression/training/step-plan.ts';
import { updateRunning, weightsOf } from '../../compression/training/weights.ts';
import { seededRandom } from '../../core/random.ts';

// node dist/bench/peers/wayside_training.js NETWORK BATCH THREADS
// Answers every line on stdin with the milliseconds of one training step: forward, cross-entropy, backward, SGD with
// momentum, running statistics. The counterpart of torch_training.py.
const [, , network = '', batchText = '', threads = ''] = process.argv;
const batch = Number(batchText);
const random = seededRandom(1);
const model = buildNetwork(network, { classes: 10, size: [32, 32], seed: 1 });
const shards = shardsOf(batch, Number(threads));
const graph = buildTrainingGraph(model, { batch: batch / shards, loss: crossEntropy });
const weights = weightsOf(model, graph.parameters, ofWholeBatch(graph.statistics, shards));
const optimizer = sgd(graph.parameters);
const plan = await stepPlan(graph, weights);
const stepper = await openSteppers(plan, weights.values, { shards, threads: Number(threads) });
const pictures = Float32Array.from({ length: batch * 3 * 32 * 32 }, random.normal);
const targets = new Float32Array(batch * 10);
for (let i = 0; i < batch; i++) targets[i * 10 + random.below(10)] = 1;

for await (const _ of createInterface({ input: process.stdin })) {
  const started = performance.now();
  const { gradients, statistics } = await stepper.step(pictures, targets);
  optimizer.step(weights.values, gradients, 0.01);
  updateRunning(weights, statistics);
  process.stdout.write(`${performance.now() - started}\n`);
}
await stepper.close();
