import type { Model } from '../onnx/graph.ts';
import { upgradeOpset } from '../onnx/opset.ts';
import { runPasses } from '../onnx/pass.ts';
import { readModel } from '../onnx/read.ts';
import { encodeModel } from '../onnx/write.ts';
import { FOLDING } from './passes/index.ts';
import { asPictureInput } from './picture-input.ts';
import type { StageLog } from './stages.ts';

/** A float model as it was given, and as every stage takes it. */
export interface FloatSource {
  /** With the input that Wayside feeds. */
  readonly model: Model;
  /** With constants and normalisations folded. */
  readonly folded: Model;
  /** The file, or the bytes of the same model with another input. */
  readonly original: string | Uint8Array;
  /** It takes the bytes of a picture and normalises them itself. */
  readonly wantsBytes: boolean;
}

/** @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, PASS_FAILED; AbortError when `signal` aborts */
export async function readFloat(
  path: string,
  stages: StageLog,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<FloatSource> {
  const { model, changed, wantsBytes } = await stages.run('read', async () => asPictureInput(await readModel(path)));
  // 13 is the oldest operator set that can say per-channel weights; passes need to know no older forms of the operators.
  const folded = await stages.run('fold', () => runPasses(upgradeOpset(model, 13), FOLDING, signal ? { signal } : {}));
  return { model, folded, wantsBytes, original: changed ? encodeModel(model) : path };
}
