import { describe, expect, test } from 'vitest';
import { dropUnreadOutputs } from '../../../exporter/passes/drop-unread-outputs.ts';
import { FOLDING } from '../../../exporter/passes/index.ts';
import { settleForms } from '../../../exporter/reading/settle-forms.ts';
import { largestDifference } from '../../../exporter/verify/parity.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import type { Model } from '../../../onnx/graph.ts';
import { upgradeOpset } from '../../../onnx/opset.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { NetworkBuilder } from '../networks.ts';
import { noise, operatorsOf, outputOf } from '../run.ts';

/** As Caffe2 wrote networks: every optional output is there. */
function everyOutput(opset: number): Model {
  const b = new NetworkBuilder('unread');
  const image = b.input('image', 'float32', ['N', 3, 8, 8]);
  const convolved = b.convolution(image, 3, 4);
  const [pooled] = b.node(
    'MaxPool',
    [convolved],
    { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    {
      outputs: ['pooled', 'indices'],
    },
  );
  const [kept] = b.node('Dropout', [pooled], {}, { outputs: ['kept', 'mask'] });
  b.node('Cast', ['mask'], { to: int(1) }, { outputs: ['dead'] });
  b.output(kept, 'float32', ['N', 4, 4, 4]);
  return b.build({ opset, irVersion: 8 });
}

describe('outputs that nobody reads', () => {
  test.each([9, 11, 13])('are taken back, and the network folds, from operator set %i', async (opset) => {
    const model = everyOutput(opset);
    const { model: settled } = await settleForms(model);
    expect(settled.graph.nodes.map(({ outputs }) => outputs.length)).toEqual([1, 1, 1]);
    const folded = await runPasses(upgradeOpset(settled, 13), FOLDING);
    expect(operatorsOf(folded)).toEqual(['Conv', 'MaxPool']);
    const input = noise([2, 3, 8, 8]);
    expect(largestDifference(await outputOf(model, input), await outputOf(folded, input))).toBeLessThan(1e-6);
  });

  test('stay where someone reads them', async () => {
    const b = new NetworkBuilder('read');
    const image = b.input('image', 'float32', ['N', 3, 8, 8]);
    b.node('MaxPool', [image], { kernel_shape: ints([2, 2]) }, { outputs: ['pooled', 'indices'] });
    b.output('pooled', 'float32', ['N', 3, 7, 7]);
    b.output('indices', 'int64', ['N', 3, 7, 7]);
    const model = b.build({ opset: 13, irVersion: 8 });
    expect((await runPasses(model, [dropUnreadOutputs])).graph).toEqual(model.graph);
  });
});
