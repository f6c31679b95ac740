import { seededRandom } from '../../core/random.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import type { GradientCase } from './cases.ts';
import { checkGradients, type GradientCheck } from './finite-differences.ts';

function modelOf({ opType, inputs, output, attributes = {}, constants, outputs = 1 }: GradientCase): Model {
  const builder = new GraphBuilder(opType);
  const names = Object.entries(inputs).map(([name, shape]) => builder.input(name, 'float32', shape));
  const made = builder.node(opType, [...names, ...(constants?.(builder) ?? [])], attributes, {
    outputs: Array.from({ length: outputs }, (_, i) => `y${i}`),
  });
  builder.output(made[0], 'float32', output);
  return builder.build({ opset: 17, irVersion: 8 });
}

/** The error of a case's gradients against finite differences, at values drawn from a fixed seed. */
export function checkCase(each: GradientCase): Promise<GradientCheck> {
  const random = seededRandom(each.says.length + 1);
  const away = (_: number, normal: number): number => normal + Math.sign(normal) * 0.05;
  const values = each.values ?? away;
  return checkGradients(modelOf(each), (index) => values(index, random.normal()));
}
