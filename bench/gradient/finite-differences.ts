import { differentiate, withRuntimeOperators } from '../../compression/autodiff/differentiate.ts';
import { Tape } from '../../compression/autodiff/tape.ts';
import { seededRandom } from '../../core/random.ts';
import { floatsOf, floatTensor, openSession } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { inferShapes } from '../../onnx/shapes.ts';
import { elementCount, float32Tensor } from '../../onnx/tensor.ts';

export interface GradientCheck {
  /** Largest |gradient - difference quotient| over all elements, relative to the largest |difference quotient|. */
  readonly error: number;
  readonly elements: number;
}

/**
 * Compares the gradients of `sum(R y)`, R fixed at random, with central differences (f(x + h) - f(x - h)) / 2h for every
 * element of every float input of the model. Runs in float32: errors around 1e-3 are those of the difference quotient.
 *
 * @param values makes the inputs; away from kinks, where no difference quotient is a derivative
 */
export async function checkGradients(
  model: Model,
  values: (index: number, name: string) => number,
  step = 1e-2,
): Promise<GradientCheck> {
  const { graph } = model;
  const inputs = graph.inputs.map(({ name, shape }) => ({ name, dims: shape as readonly number[] }));
  const data = new Map(
    inputs.map(({ name, dims }) => [
      name,
      Float32Array.from({ length: elementCount(dims) }, (_, i) => values(i, name)),
    ]),
  );
  const tape = new Tape(graph, inferShapes(model));
  const random = seededRandom(7);
  const output = graph.outputs[0]!.name;
  const shape = tape.shape(output);
  const weights = Float32Array.from({ length: elementCount(shape) }, () => random.normal());
  const seed = tape.constant('seed', float32Tensor(shape, weights));
  const found = differentiate(
    tape,
    graph.nodes,
    new Map([[output, seed]]),
    inputs.map(({ name }) => name),
  );

  const backward = await openSession(
    encodeModel({
      ...model,
      opsets: withRuntimeOperators(model.opsets),
      graph: {
        ...graph,
        nodes: tape.nodes,
        initializers: tape.initializers,
        outputs: inputs.map(({ name, dims }) => ({
          name: found.get(name) ?? '',
          dtype: 'float32' as const,
          shape: dims,
        })),
      },
    }),
  );
  const forward = await openSession(encodeModel(model));
  const feeds = () => Object.fromEntries(inputs.map(({ name, dims }) => [name, floatTensor(data.get(name)!, dims)]));
  const lossNow = async (): Promise<number> => {
    const y = floatsOf(await forward.run(feeds()), output);
    return y.reduce((sum, value, i) => sum + value * weights[i]!, 0);
  };
  let worst = 0;
  let largest = 1e-6;
  let elements = 0;
  try {
    const gradients = await backward.run(feeds());
    for (const { name } of inputs) {
      const gradient = floatsOf(gradients, found.get(name) ?? '');
      const x = data.get(name)!;
      for (let i = 0; i < x.length; i++) {
        const kept = x[i]!;
        x[i] = kept + step;
        const above = await lossNow();
        x[i] = kept - step;
        const below = await lossNow();
        x[i] = kept;
        const quotient = (above - below) / (Math.fround(kept + step) - Math.fround(kept - step));
        worst = Math.max(worst, Math.abs(quotient - gradient[i]!));
        largest = Math.max(largest, Math.abs(quotient));
        elements++;
      }
    }
  } finally {
    await backward.close();
    await forward.close();
  }
  return { error: worst / largest, elements };
}
