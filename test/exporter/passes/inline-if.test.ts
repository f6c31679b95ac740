import { describe, expect, test } from 'vitest';
import { inlineIf } from '../../../exporter/passes/inline-if.ts';
import { removeIdentity } from '../../../exporter/passes/remove-identity.ts';
import { settleForms } from '../../../exporter/reading/settle-forms.ts';
import { largestDifference } from '../../../exporter/verify/parity.ts';
import { graph as graphOf, int, tensor } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Attributes, Graph, Model, Node } from '../../../onnx/graph.ts';
import { runPasses } from '../../../onnx/pass.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../../../onnx/tensor.ts';
import { noise, operatorsOf, outputOf } from '../run.ts';

const step = (opType: string, inputs: readonly string[], output: string, attributes: Attributes = {}): Node => ({
  name: output,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

/** A branch that scales what it captures; its names are the same in every branch. */
function branch(captured: string, by: number, nodes: readonly Node[] = [step('Mul', [captured, 'by'], 'out')]): Graph {
  return {
    name: 'branch',
    inputs: [],
    outputs: [{ name: nodes.at(-1)!.outputs[0]!, dtype: 'float32', shape: null }],
    initializers: new Map([['by', float32Tensor([], Float32Array.of(by))]]),
    nodes,
    valueInfo: new Map(),
  };
}

const bool = (value: boolean): Tensor => ({ dtype: 'bool', dims: [], bytes: Uint8Array.of(Number(value)) });

function withIfs(build: (b: GraphBuilder, x: string) => string): Model {
  const b = new GraphBuilder('ifs');
  const x = b.input('x', 'float32', ['N', 4]);
  const [y] = b.node('Identity', [build(b, x)], {}, { outputs: ['y'] });
  b.output(y, 'float32', ['N', 4]);
  return b.build({ opset: 13, irVersion: 8 });
}

const both = (captured: string) => ({
  then_branch: graphOf(branch(captured, 2)),
  else_branch: graphOf(branch(captured, 5)),
});

async function expectSame(model: Model, inlined: Model): Promise<void> {
  const input = noise([3, 4]);
  expect(largestDifference(await outputOf(model, input), await outputOf(inlined, input))).toBe(0);
}

describe('inlining an If', () => {
  test('takes the branch that a constant chooses, and keeps names apart', async () => {
    const model = withIfs((b, x) => {
      const [first] = b.node('If', [b.constant('yes', bool(true))], both(x));
      const [no] = b.node('Constant', [], { value: tensor(bool(false)) });
      return b.node('If', [no], both(first))[0];
    });
    const inlined = await runPasses(model, [inlineIf]);
    expect(operatorsOf(inlined)).not.toContain('If');
    await expectSame(model, inlined);
  });

  test('knows ranks and sizes, as exporters ask for them', async () => {
    const model = withIfs((b, x) => {
      const [shape] = b.node('Shape', [x]);
      const [width] = b.node('Gather', [shape, b.constant('axis', int64Tensor([], [1]))], { axis: int(0) });
      const [isFour] = b.node('Equal', [width, b.constant('four', int64Tensor([], [4]))]);
      const [isNot] = b.node('Not', [isFour]);
      return b.node('If', [isNot], both(x))[0];
    });
    const { model: settled } = await settleForms(model);
    expect(operatorsOf(settled)).not.toContain('If');
    await expectSame(model, settled);
  });

  test('computes a condition of constants that only the runtime can', async () => {
    const model = withIfs((b, x) => {
      const [sum] = b.node('ReduceSum', [b.constant('ones', int64Tensor([3], [1, 1, 1]))], { keepdims: int(0) });
      const [enough] = b.node('Greater', [sum, b.constant('two', int64Tensor([], [2]))]);
      return b.node('If', [enough], both(x))[0];
    });
    const { model: settled } = await settleForms(model);
    expect(operatorsOf(settled)).not.toContain('If');
    await expectSame(model, settled);
  });

  test('goes into branches that hold another If', async () => {
    const inner = step('If', ['yes'], 'inner', both('x') as Attributes);
    const outer = branch('x', 1, [inner, step('Neg', ['inner'], 'negative')]);
    const model = withIfs((b) => {
      const yes = b.constant('yes', bool(true));
      return b.node('If', [yes], { then_branch: graphOf(outer), else_branch: graphOf(branch('x', 1)) })[0];
    });
    const inlined = await runPasses(model, [inlineIf]);
    expect(operatorsOf(inlined)).not.toContain('If');
    await expectSame(model, inlined);
  });

  test('hands on what a branch only passes through', async () => {
    const passing: Graph = { ...branch('x', 1), nodes: [], outputs: [{ name: 'x', dtype: 'float32', shape: null }] };
    const model = withIfs((b) => {
      const yes = b.constant('yes', bool(true));
      return b.node('If', [yes], { then_branch: graphOf(passing), else_branch: graphOf(branch('x', 1)) })[0];
    });
    const inlined = await runPasses(model, [inlineIf]);
    const input = noise([3, 4]);
    expect(await outputOf(inlined, input)).toEqual(input.data);
  });

  test('leaves one alone that depends on what is fed, and names that it captures', async () => {
    const model = withIfs((b, x) => {
      const [max] = b.node('ReduceMax', [x], { keepdims: int(0) });
      const [positive] = b.node('Greater', [max, b.constant('zero', float32Tensor([], Float32Array.of(0)))]);
      const [copy] = b.node('Identity', [x], {}, { outputs: ['copy'] });
      return b.node('If', [positive], both(copy))[0];
    });
    const same = await runPasses(model, [inlineIf, removeIdentity]);
    expect(operatorsOf(same)).toContain('If');
    await expectSame(model, same);
  });
});
