import { type ErrorCode, WaysideError } from '../../../core/errors.ts';
import { checkModel } from '../../../onnx/check.ts';
import { decodeModel } from '../../../onnx/file/read.ts';
import { encodeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { upgradeOpset } from '../../../onnx/opset.ts';
import { inferShapes } from '../../../onnx/shapes.ts';
import { printModel } from '../../support/print-model.ts';

const READING: readonly ErrorCode[] = [
  'MODEL_DECODE',
  'MODEL_INVALID',
  'MODEL_UNSUPPORTED',
  'MODEL_TOO_LARGE',
  'EXTERNAL_DATA',
];

/** The error's code when it is one of those allowed; anything else is a fault and is thrown on. */
function codeOf(thrown: unknown, allowed: readonly ErrorCode[]): ErrorCode {
  if (thrown instanceof WaysideError && allowed.includes(thrown.code)) return thrown.code;
  throw thrown;
}

/** By text, and by the bytes themselves: their digests took a sixth of the time of a mutant. */
function isSame(model: Model, again: Model): boolean {
  const before: Uint8Array[] = [];
  const after: Uint8Array[] = [];
  const collect = (found: Uint8Array[]) => (bytes: Uint8Array) => String(found.push(bytes));
  if (printModel(model, collect(before)) !== printModel(again, collect(after))) return false;
  return before.every((bytes, i) => Buffer.compare(bytes, after[i]!) === 0);
}

export type Outcome = ErrorCode | 'model';

/**
 * Reads hostile bytes and does with the result what Wayside would. Returns how it ended; throws whatever was not a coded
 * error, and when a model that was accepted does not survive being written and read again.
 */
export function outcomeOf(bytes: Uint8Array, folder?: string): Outcome {
  let model: Model;
  try {
    model = decodeModel(bytes, folder === undefined ? {} : { folder });
  } catch (thrown) {
    return codeOf(thrown, READING);
  }
  checkModel(model);
  if (!isSame(model, decodeModel(encodeModel(model)))) throw new Error('writing and reading again changed the model');
  try {
    inferShapes(model);
    checkModel(upgradeOpset(model, 21));
  } catch (thrown) {
    return codeOf(thrown, ['SHAPE_INFERENCE', 'MODEL_UNSUPPORTED', 'MODEL_INVALID']);
  }
  return 'model';
}
