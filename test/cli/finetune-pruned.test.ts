import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readModel } from '../../onnx/file/read.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { writeColours } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';
import { wideClassifier } from '../support/wide-classifier.ts';

describe('finetune after prune', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  const operators = async (name: string): Promise<string[]> =>
    (await readModel(at(name))).graph.nodes.map(({ opType }) => opType);
  beforeAll(async () => {
    await writeModel(wideClassifier(), at('wide.onnx'));
    await writeColours(
      at('data'),
      Array.from({ length: 90 }, (_, i) => i % 3),
    );
  });

  it('puts normalisations behind the convolutions, which pruning has folded, and only then', async () => {
    const data = ['--data', `cifar10:${at('data')}`, '--threads', '1'];
    const goal = ['--flops', '0.4', '--criterion', 'l1', '--no-reconstruct'];
    const pruned = await runWayside(['prune', at('wide.onnx'), ...data, ...goal, '--out', at('pruned.onnx')]);
    expect(pruned).toMatchObject({ exit: 0, stderr: '' });
    const tune = ['--epochs', '1', '--batch', '16', '--augment', 'none', '--rate', '0.001', ...data];
    for (const name of ['wide', 'pruned']) {
      const tuned = await runWayside(['finetune', at(`${name}.onnx`), ...tune, '--out', at(`${name}-tuned.onnx`)]);
      expect(tuned.exit).toBe(0);
    }
    expect(await operators('wide-tuned.onnx')).not.toContain('BatchNormalization');
    const normalised = await operators('pruned-tuned.onnx');
    expect(normalised.filter((name) => name === 'BatchNormalization')).toHaveLength(2);
    const evaluated = await runWayside(['evaluate', at('pruned-tuned.onnx'), ...data, '--json']);
    expect((JSON.parse(evaluated.stdout) as { top1: number }).top1).toBeGreaterThan(0.9);

    const again = ['finetune', at('pruned-tuned.onnx'), ...tune, '--out', at('again.onnx')];
    expect((await runWayside(again)).exit).toBe(0);
    expect(await operators('again.onnx')).toEqual(normalised);
  });
});
