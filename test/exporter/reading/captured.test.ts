import { describe, expect, test } from 'vitest';
import { quantizeFile } from '../../../exporter/commands/quantize-file.ts';
import { graph as graphOf, int } from '../../../onnx/attributes.ts';
import { readModel } from '../../../onnx/file/read.ts';
import type { Graph, Model, Node } from '../../../onnx/graph.ts';
import { float32Tensor, int64Tensor, type Tensor } from '../../../onnx/tensor.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';
import { given } from '../commands/given.ts';

const folder = temporaryFolder();
const bool = (value: boolean): Tensor => ({ dtype: 'bool', dims: [], bytes: Uint8Array.of(Number(value)) });

/** A node of the main graph whose subgraph doubles what it captures; inside it uses the shortest names there are. */
type Capturing = (captured: string, output: string) => { nodes: Node[]; constants: Record<string, Tensor> };

const step = (opType: string, inputs: string[], output: string, attributes: Node['attributes'] = {}): Node => ({
  name: `${output}/${opType}`,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

function doubling(captured: string, parts: Partial<Graph> = {}): Graph {
  return {
    name: 'doubling',
    inputs: [],
    outputs: [{ name: '1', dtype: 'undefined', shape: null }],
    initializers: new Map(),
    nodes: [step('Identity', [captured], '0'), step('Mul', ['0', 'two'], '1')],
    valueInfo: new Map(),
    ...parts,
  };
}

/** An If that asks what is fed, so that it stays. */
const byIf: Capturing = (captured, output) => ({
  nodes: [
    step('ReduceMax', [captured], 'most', { keepdims: int(0) }),
    step('Less', ['most', 'limit'], 'usual'),
    step('If', ['usual'], output, {
      then_branch: graphOf(doubling(captured)),
      else_branch: graphOf(doubling(captured)),
    }),
  ],
  constants: { two: float32Tensor([], Float32Array.of(2)), limit: float32Tensor([], Float32Array.of(1e9)) },
});

const byLoop: Capturing = (captured, output) => ({
  nodes: [
    step('Loop', ['once', 'go', captured], output, {
      body: graphOf(
        doubling(captured, {
          inputs: [
            { name: '2', dtype: 'int64', shape: [] },
            { name: '3', dtype: 'bool', shape: [] },
            { name: '4', dtype: 'undefined', shape: null },
          ],
          outputs: [
            { name: '5', dtype: 'bool', shape: null },
            { name: '1', dtype: 'undefined', shape: null },
          ],
          nodes: [step('Identity', ['3'], '5'), step('Identity', [captured], '0'), step('Mul', ['0', 'two'], '1')],
        }),
      ),
    }),
  ],
  constants: { two: float32Tensor([], Float32Array.of(2)), once: int64Tensor([], [1]), go: bool(true) },
});

/** The classifier with its features, before the last layer, taken through a subgraph. */
function through(capturing: Capturing): Model {
  const model = wideClassifier();
  const { nodes, initializers } = model.graph;
  const head = nodes.at(-1)!;
  const { nodes: between, constants } = capturing(head.inputs[0]!, 'doubled');
  return {
    ...model,
    graph: {
      ...model.graph,
      initializers: new Map([...initializers, ...Object.entries(constants)]),
      nodes: [...nodes.slice(0, -1), ...between, { ...head, inputs: ['doubled', ...head.inputs.slice(1)] }],
    },
  };
}

describe.each([
  ['an If', 'If', byIf],
  ['a Loop', 'Loop', byLoop],
] as const)('a network whose features are captured by %s', (_, opType, capturing) => {
  test('quantizes around it', async () => {
    const { at, options } = await given(folder(), through(capturing));
    const { stages } = await quantizeFile({ ...options, out: at('int8.onnx') });
    expect(stages.at(-1)?.top1).toBe(1);
    const { graph } = await readModel(at('int8.onnx'));
    expect(graph.nodes.map((node) => node.opType)).toContain(opType);
    expect(graph.nodes.filter((node) => node.opType === 'Conv')).toHaveLength(2);
  });
});
