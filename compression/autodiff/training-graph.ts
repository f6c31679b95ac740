import { WaysideError } from '../../core/errors.ts';
import { float, int } from '../../onnx/attributes.ts';
import type { Graph, Model, Node, ValueInfo } from '../../onnx/graph.ts';
import { upgradeOpset } from '../../onnx/opset.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { differentiate, withRuntimeOperators } from './differentiate.ts';
import type { Loss } from './losses/loss.ts';
import { type Parameter, parametersOf } from './parameters.ts';
import { Tape } from './tape.ts';

/** The first opset with all that gradients use: ScatterElements that adds (16), LayerNormalization (17). */
const GRADIENT_OPSET = 17;

interface TrainingGraphOptions {
  /** Images a step; fixed, since gradients need every shape. */
  readonly batch: number;
  readonly loss: Loss;
  /** The value the loss looks at. @default the first output of the model */
  readonly output?: string;
  /** `training` normalises by the batch and reports its statistics; `frozen` by the running ones. @default 'training' */
  readonly batchNorm?: 'training' | 'frozen';
  /** Which parameters get gradients; all by default. */
  readonly trains?: (parameter: Parameter) => boolean;
  /** The parameters themselves, where a graph holds others than its operators' weights. @default those of its operators */
  readonly parameters?: readonly Parameter[];
  /** Values that gradients take for constants. @default none */
  readonly stopGradients?: ReadonlySet<string>;
}

/** Running statistics of one BatchNormalization and the outputs that give the batch's. */
export interface BatchStatistics {
  readonly mean: string;
  readonly variance: string;
  readonly batchMean: string;
  readonly batchVariance: string;
  /** Elements a channel in one batch, for the unbiased variance. */
  readonly count: number;
}

export interface TrainingGraph {
  /** Inputs: the image, what the loss takes, then every parameter. Outputs: loss, output, gradients, statistics. */
  readonly model: Model;
  readonly image: string;
  readonly lossInputs: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly lossOutput: string;
  readonly output: string;
  /** Gradient output of each parameter, in the order of `parameters`. */
  readonly gradients: readonly string[];
  readonly statistics: readonly BatchStatistics[];
}

/**
 * From an inference graph, the graph that also computes a loss and its gradients, with inference operators only.
 *
 * Parameters are inputs, so that a step changes numbers and never the session.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED for an operator without a gradient rule, or when nothing can be trained
 */
export function buildTrainingGraph(model: Model, options: TrainingGraphOptions): TrainingGraph {
  const { batch, loss, batchNorm = 'training' } = options;
  const current = (model.opsets.get('') ?? 0) < GRADIENT_OPSET ? upgradeOpset(model, GRADIENT_OPSET) : model;
  const fixed = withBatch(current, batch);
  const trained = batchNorm === 'training' ? withBatchStatistics(fixed.graph) : { graph: fixed.graph, nodes: [] };
  const graph = trained.graph;
  const types = new Map(inferShapes({ ...fixed, graph }));
  const tape = new Tape(graph, types);
  const statistics = trained.nodes.map((node) => statisticsOf(node, tape));
  const output = options.output ?? graph.outputs[0]?.name ?? '';
  const shape = tape.shape(output);
  const parameters = (options.parameters ?? parametersOf(graph)).filter(options.trains ?? (() => true));
  if (parameters.length === 0) {
    throw new WaysideError('MODEL_UNSUPPORTED', { message: 'the model has no parameters to train' });
  }

  const lossInputs = loss.inputs(shape).map((input) => ({ ...input, name: tape.value(input.name) }));
  const term = loss.build(
    tape,
    output,
    shape,
    lossInputs.map(({ name }) => name),
  );
  const names = parameters.map(({ name }) => name);
  const found = differentiate(tape, graph.nodes, new Map([[output, term.gradient]]), names, options.stopGradients);
  const gradients = parameters.map(
    ({ name, dims }) => found.get(name) ?? tape.op('ConstantOfShape', [tape.ints(dims)]),
  );
  const trainedNames = new Set(names);
  const floats = (name: string, dims: readonly number[]): ValueInfo => ({ name, dtype: 'float32', shape: dims });
  return {
    model: {
      ...fixed,
      opsets: withRuntimeOperators(fixed.opsets),
      graph: {
        name: graph.name,
        inputs: [
          ...graph.inputs,
          ...lossInputs.map((input) => floats(input.name, input.shape)),
          ...parameters.map(({ name, dims }) => floats(name, dims)),
        ],
        outputs: [
          floats(term.value, []),
          floats(output, shape),
          ...parameters.map(({ dims }, i) => floats(gradients[i]!, dims)),
          ...statistics.flatMap(({ batchMean, batchVariance, mean }) => [
            floats(batchMean, tape.shape(mean)),
            floats(batchVariance, tape.shape(mean)),
          ]),
        ],
        initializers: new Map([...tape.initializers].filter(([name]) => !trainedNames.has(name))),
        nodes: tape.nodes,
        valueInfo: new Map(),
      },
    },
    image: graph.inputs[0]?.name ?? '',
    lossInputs: lossInputs.map(({ name }) => name),
    parameters,
    lossOutput: term.value,
    output,
    gradients,
    statistics,
  };
}

/** Fixes the first dimension of every input and forgets what was declared with another batch. */
function withBatch(model: Model, batch: number): Model {
  const fix = (info: ValueInfo): ValueInfo => ({ ...info, shape: info.shape && [batch, ...info.shape.slice(1)] });
  const { graph } = model;
  const outputs = graph.outputs.map((info) => ({ ...info, shape: null }));
  return { ...model, graph: { ...graph, inputs: graph.inputs.map(fix), outputs, valueInfo: new Map() } };
}

/** BatchNormalization in training mode; momentum 0 makes its "running" outputs the batch's own mean and variance. */
function withBatchStatistics(graph: Graph): { readonly graph: Graph; readonly nodes: readonly Node[] } {
  const changed: Node[] = [];
  const nodes = graph.nodes.map((node) => {
    if (node.opType !== 'BatchNormalization' || node.domain !== '') return node;
    const [y = ''] = node.outputs;
    const training: Node = {
      ...node,
      outputs: [y, `${y}.batch_mean`, `${y}.batch_variance`],
      attributes: { ...node.attributes, training_mode: int(1), momentum: float(0) },
    };
    changed.push(training);
    return training;
  });
  return { graph: { ...graph, nodes }, nodes: changed };
}

function statisticsOf(node: Node, tape: Tape): BatchStatistics {
  const [x = '', , , mean = '', variance = ''] = node.inputs;
  const [, batchMean = '', batchVariance = ''] = node.outputs;
  const shape = tape.shape(x);
  const count = shape.reduce((product, dim) => product * dim, 1) / (shape[1] ?? 1);
  return { mean, variance, batchMean, batchVariance, count };
}
