import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../onnx/file/limits.ts';
import { surveyWire } from '../../onnx/file/wire.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { varint } from './support/mutate.ts';
import { variety } from './support/variety.ts';

const GRAPH = 7;
const NODE = 1;
const ATTRIBUTE = 5;
const SUBGRAPH = 6;

/** A length-delimited field. */
const field = (number: number, content: Uint8Array): Uint8Array =>
  Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(content.length)), content]);

const survey = (bytes: Uint8Array, limits = {}): void => surveyWire(bytes, { ...DEFAULT_LIMITS, ...limits });
const code = (expected: string, message: RegExp) =>
  expect.objectContaining({ code: expected, message: expect.stringMatching(message) });

describe('the survey of the wire', () => {
  it('passes a good model', () => {
    expect(() => survey(encodeModel(variety()))).not.toThrow();
  });

  it('passes fields it does not know, as protobuf demands', () => {
    expect(() => survey(field(900, Buffer.from('from a newer version')))).not.toThrow();
    expect(() => survey(field(GRAPH, field(NODE, field(9, Buffer.from('metadata of IR 10')))))).not.toThrow();
  });

  it('refuses graphs nested without end, however deep', () => {
    let bytes: Uint8Array = new Uint8Array();
    for (let i = 0; i < 5000; i++) bytes = field(NODE, field(ATTRIBUTE, field(SUBGRAPH, bytes)));
    expect(() => survey(field(GRAPH, bytes))).toThrow(code('MODEL_TOO_LARGE', /nested deeper than 64/));
  });

  it('refuses millions of empty messages before they are allocated', () => {
    const nodes = Buffer.alloc(2 * 3_000_000);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = NODE * 8 + 2;
    expect(() => survey(field(GRAPH, nodes))).toThrow(code('MODEL_TOO_LARGE', /more than 2097152 messages/));
  });

  it('refuses millions of one-byte integers', () => {
    const ints = field(8, new Uint8Array(5_000_000));
    expect(() => survey(field(GRAPH, field(NODE, field(ATTRIBUTE, ints))))).toThrow(
      code('MODEL_TOO_LARGE', /64-bit integers/),
    );
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'a message that ends outside its parent',
      Buffer.concat([varint(BigInt(GRAPH * 8 + 2)), Uint8Array.of(2, NODE * 8 + 2, 5), new Uint8Array(9)]),
      /5 bytes announced, 0 left/,
    ],
    ['a length of 2^63', Buffer.concat([varint(BigInt(GRAPH * 8 + 2)), varint(2n ** 63n)]), /bytes announced/],
    ['a number without end', Buffer.concat([Uint8Array.of(8), new Uint8Array(11).fill(0x80)]), /longer than ten bytes/],
    ['a number that is cut off', Uint8Array.of(8, 0x80), /cut off/],
    ['a group', Uint8Array.of(15 * 8 + 3), /wire type 3/],
    ['a graph that is a number', Uint8Array.of(GRAPH * 8, 1), /field 7 of Model is not a message/],
    ['a name that is a float', Uint8Array.of(2 * 8 + 5, 0, 0, 0, 0), /field 2 of Model is not text/],
    ['a version that is bytes', field(1, new Uint8Array(1)), /wire type 2/],
    ['text that is not UTF-8', field(2, Uint8Array.of(0xff)), /not UTF-8/],
    [
      'a second graph',
      Buffer.concat([field(GRAPH, new Uint8Array()), field(GRAPH, new Uint8Array())]),
      /appears twice/,
    ],
    ['field number 0', Uint8Array.of(0, 0), /number 0/],
    [
      'packed floats that end within one',
      field(GRAPH, field(5, field(4, new Uint8Array(6)))),
      /4 bytes announced, 2 left/,
    ],
  ])('refuses %s and says where', (_, bytes, message) => {
    expect(() => survey(bytes)).toThrow(code('MODEL_DECODE', message));
    expect(() => survey(bytes)).toThrow(/at byte \d+ of \d+/);
  });
});
