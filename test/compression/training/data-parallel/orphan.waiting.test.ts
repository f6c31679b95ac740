import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { compiledModule } from '../../../../core/layout.ts';
import { childrenOf, isRunning } from '../../../support/processes.ts';
import { describeWith } from '../../../support/requirements.ts';

const from = (module: string): string => JSON.stringify(pathToFileURL(compiledModule(`compression/${module}`)).href);

/** Steps without end in two processes. */
const PARENT = `
const { buildNetwork } = await import(${from('training/networks/registry')});
const { buildTrainingGraph } = await import(${from('autodiff/training-graph')});
const { crossEntropy } = await import(${from('autodiff/losses/cross-entropy')});
const { weightsOf } = await import(${from('training/weights')});
const { stepPlan } = await import(${from('training/step-plan')});
const { openShardedStepper } = await import(${from('training/data-parallel/sharded-stepper')});
const model = buildNetwork('resnet20', { classes: 10, size: [32, 32], seed: 1 });
const graph = buildTrainingGraph(model, { batch: 16, loss: crossEntropy });
const weights = weightsOf(model, graph.parameters, graph.statistics);
const stepper = await openShardedStepper(await stepPlan(graph, weights), weights.values, { shards: 2, threads: 1 });
for (;;) {
  await stepper.step(new Float32Array(32 * 3 * 32 * 32), new Float32Array(320).fill(0.1));
  console.log('step');
}
`;

describeWith(
  { needs: [{ name: 'Linux', met: process.platform === 'linux', hint: 'processes are looked up in /proc' }] },
  'processes of a training whose parent was killed',
  () => {
    it.each(['SIGKILL', 'SIGTERM'] as const)('are gone soon after it: %s', async (signal) => {
      const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(parent.stdout, 'data');
      const children = await childrenOf(parent.pid!);
      expect(children).toHaveLength(2);
      parent.kill(signal);
      const running = async (): Promise<boolean[]> => Promise.all(children.map(({ pid }) => isRunning(pid)));
      await vi.waitUntil(async () => !(await running()).includes(true), { timeout: 10_000, interval: 20 });
    });

    it('stay where a terminal interrupts all of them: it is their parent who ends them', async () => {
      const parent = spawn(
        process.execPath,
        ['--input-type=module', '-e', `process.on('SIGINT', () => {});${PARENT}`],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      await once(parent.stdout, 'data');
      const pids = [parent.pid!, ...(await childrenOf(parent.pid!)).map(({ pid }) => pid)];
      for (const pid of pids) process.kill(pid, 'SIGINT');
      await once(parent.stdout, 'data');
      await once(parent.stdout, 'data');
      expect((await childrenOf(parent.pid!)).map(({ pid }) => pid)).toEqual(pids.slice(1));
      parent.kill('SIGKILL');
      await once(parent, 'close');
    });
  },
);
