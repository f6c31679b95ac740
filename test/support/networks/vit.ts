import { float, int, ints } from '../../../onnx/attributes.ts';
import type { Model } from '../../../onnx/graph.ts';
import { type Dialect, Network } from './network.ts';

const HEADS = 3;
const DEPTH = 4;
const PATCH = 8;

/** ViT-Tiny has 192. */
const WIDTH = 48;

/** Dosovitskiy 2021, shaped as ViT-Tiny (3 heads); values are `[N, tokens, width]`. */
export function vit(dialect: Partial<Dialect> = {}): Model {
  const net = new Network('vit-tiny', { opset: 17, ...dialect });
  const { size, opset, classes } = net.dialect;
  const tokens = (size / PATCH) ** 2;

  const linear = (x: string, from: number, to: number): string => {
    const product = net.node('MatMul', [x, net.normal('weight', [from, to], Math.sqrt(1 / from))]);
    return net.node('Add', [net.normal('bias', [to], 0.05), product]);
  };
  const mean = (x: string): string => net.node('ReduceMean', [x], { axes: ints([-1]), keepdims: int(1) });
  const layerNorm = (x: string): string => {
    const [scale, shift] = [net.normal('gamma', [WIDTH], 0.1, 1), net.normal('beta', [WIDTH], 0.1)];
    if (opset >= 17) return net.node('LayerNormalization', [x, scale, shift], { axis: int(-1), epsilon: float(1e-6) });
    const centred = net.node('Sub', [x, mean(x)]);
    const variance = mean(net.node('Pow', [centred, net.scalar('two', 2)]));
    const deviation = net.node('Sqrt', [net.node('Add', [variance, net.scalar('epsilon', 1e-6)])]);
    return net.node('Add', [net.node('Mul', [net.node('Div', [centred, deviation]), scale]), shift]);
  };
  const gelu = (x: string): string => {
    const part = net.node('Erf', [net.node('Div', [x, net.scalar('sqrt2', Math.SQRT2)])]);
    const twice = net.node('Mul', [x, net.node('Add', [part, net.scalar('one', 1)])]);
    return net.node('Mul', [twice, net.scalar('half', 0.5)]);
  };
  const heads = (x: string, perm: readonly number[]): string => {
    const apart = net.node('Reshape', [x, net.integers('heads', [-1, tokens, HEADS, WIDTH / HEADS])]);
    return net.node('Transpose', [apart], { perm: ints(perm) });
  };
  const attention = (x: string): string => {
    const query = heads(linear(x, WIDTH, WIDTH), [0, 2, 1, 3]);
    const key = heads(linear(x, WIDTH, WIDTH), [0, 2, 3, 1]);
    const value = heads(linear(x, WIDTH, WIDTH), [0, 2, 1, 3]);
    const products = net.node('Mul', [net.node('MatMul', [query, key]), net.scalar('scale', (WIDTH / HEADS) ** -0.5)]);
    const mixed = net.node('MatMul', [net.node('Softmax', [products], { axis: int(-1) }), value]);
    const joined = net.node('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) });
    return linear(net.node('Reshape', [joined, net.integers('joined', [-1, tokens, WIDTH])]), WIDTH, WIDTH);
  };

  const patches = net.conv(net.input(), WIDTH, { kernel: PATCH, stride: PATCH, pad: 0 });
  const flat = net.node('Reshape', [patches, net.integers('flat', [-1, WIDTH, tokens])]);
  let x = net.node('Transpose', [flat], { perm: ints([0, 2, 1]) });
  x = net.add(x, net.normal('positions', [1, tokens, WIDTH], 0.3));
  for (let block = 0; block < DEPTH; block++) {
    x = net.add(x, attention(layerNorm(x)));
    x = net.add(x, linear(gelu(linear(layerNorm(x), WIDTH, 4 * WIDTH)), 4 * WIDTH, WIDTH));
  }
  const pooled = net.node('ReduceMean', [layerNorm(x)], { axes: ints([1]), keepdims: int(0) });
  return net.finish(linear(pooled, WIDTH, classes));
}
