import type { onnx } from 'onnx-proto';
import type { Attribute, Dimension, Graph, Node, ValueInfo, ValueType } from '../graph.ts';
import type { Tensor } from '../tensor.ts';
import { DATA_TYPES } from '../types.ts';
import { ATTRIBUTE_TYPES, proto, toInt64 } from './proto.ts';

/** Where a tensor's bytes went: into the file itself (undefined), or to a place in an external file. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

interface GraphEncoding {
  /** IR 3 wants every initializer among the inputs. */
  readonly repeatInitializers: boolean;
  place(name: string, tensor: Tensor): ExternalPlace | undefined;
}

/** A graph as GraphProto; raw data is shared, not copied. */
export function encodeGraph(graph: Graph, encoding: GraphEncoding): onnx.IGraphProto {
  const inputs = graph.inputs.map(encodeValueInfo);
  if (encoding.repeatInitializers) {
    for (const [name, { dtype, dims }] of graph.initializers)
      inputs.push(encodeValueInfo({ name, dtype, shape: dims }));
  }
  return {
    name: graph.name,
    node: graph.nodes.map((node) => encodeNode(node, encoding)),
    initializer: [...graph.initializers].map(([name, tensor]) =>
      encodeTensor(name, tensor, encoding.place(name, tensor)),
    ),
    input: inputs,
    output: graph.outputs.map(encodeValueInfo),
    valueInfo: [...graph.valueInfo].map(([name, type]) => encodeValueInfo({ name, ...type })),
  };
}

function encodeNode(node: Node, encoding: GraphEncoding): onnx.INodeProto {
  return {
    input: [...node.inputs],
    output: [...node.outputs],
    name: node.name,
    opType: node.opType,
    ...(node.domain === '' ? {} : { domain: node.domain }),
    attribute: Object.entries(node.attributes).map(([name, attribute]) => ({
      name,
      ...(attribute.type !== 'other' && { type: ATTRIBUTE_TYPES[attribute.type] }),
      ...encodeAttribute(attribute, encoding),
    })),
  };
}

function encodeAttribute(attribute: Attribute, encoding: GraphEncoding): onnx.IAttributeProto {
  switch (attribute.type) {
    case 'float':
      return { f: attribute.value };
    case 'int':
      return { i: toInt64(attribute.value) };
    case 'string':
      return { s: Buffer.from(attribute.value) };
    case 'floats':
      return { floats: [...attribute.value] };
    case 'ints':
      return { ints: attribute.value.map(toInt64) };
    case 'strings':
      return { strings: attribute.value.map((text) => Buffer.from(text)) };
    case 'tensor':
      return { t: encodeTensor('', attribute.value, undefined) };
    case 'other':
      return attribute.value;
    case 'graph':
      return { g: encodeGraph(attribute.value, { ...encoding, repeatInitializers: false }) };
  }
}

function encodeTensor(name: string, tensor: Tensor, place: ExternalPlace | undefined): onnx.ITensorProto {
  const head = { dims: [...tensor.dims], dataType: DATA_TYPES[tensor.dtype], ...(name === '' ? {} : { name }) };
  if (tensor.strings !== undefined) return { ...head, stringData: [...tensor.strings] };
  if (place === undefined) return { ...head, rawData: tensor.bytes };
  return {
    ...head,
    dataLocation: proto.TensorProto.DataLocation.EXTERNAL,
    externalData: Object.entries(place).map(([key, value]) => ({ key, value: String(value) })),
  };
}

function encodeValueInfo({ name, dtype, shape, other }: ValueInfo): onnx.IValueInfoProto {
  if (dtype === 'undefined') return { name, ...(other && { type: other }) };
  return { name, type: { tensorType: { elemType: DATA_TYPES[dtype], ...encodeShape(shape) } } };
}

function encodeShape(shape: ValueType['shape']): onnx.TypeProto.ITensor {
  return shape === null ? {} : { shape: { dim: shape.map(encodeDimension) } };
}

function encodeDimension(dimension: Dimension): onnx.TensorShapeProto.IDimension {
  if (dimension === null) return {};
  return typeof dimension === 'number' ? { dimValue: dimension } : { dimParam: dimension };
}
