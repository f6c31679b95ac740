import type { StageLog } from '../../core/run/stage-log.ts';
import { readModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { upgradeOpset } from '../../onnx/opset.ts';
import { runPasses } from '../../onnx/pass.ts';
import { FOLDING } from '../passes/index.ts';
import { withChosenOutput } from './chosen-output.ts';
import { asImageInput } from './image-input.ts';
import { requireFiniteWeights } from './require-finite.ts';
import { requireInference } from './require-inference.ts';
import { type FloatForms, settleForms, withStoredWeights } from './settle-forms.ts';

/** A float model as it was given, and as every stage takes it. */
export interface FloatSource {
  /** With the input that Wayside feeds and the output that was chosen. */
  readonly model: Model;
  /** The same with its weights as initializers, wherever the file keeps them: what is counted, clustered and trained. */
  stored(): Promise<Model>;
  /** With constants and normalisations folded. */
  readonly folded: Model;
  /** What the passes that folded it noted, each after the name of its pass. */
  readonly notes: readonly string[];
  /** The file, or the bytes of the same model in float32, with another input or fewer outputs. */
  readonly original: string | Uint8Array;
  /** It takes the bytes of an image and normalises them itself. */
  readonly wantsBytes: boolean;
}

interface Reading {
  readonly signal?: AbortSignal | undefined;
  readonly note?: ((text: string) => void) | undefined;
  /** Alone of several. */
  readonly output?: string | undefined;
}

/**
 * @throws {WaysideError} FILE_NOT_FOUND, MODEL_*, PASS_FAILED; USAGE for an output that the model does not have; AbortError when `signal`
 *   aborts
 */
export async function readFloat(
  path: string,
  stages: StageLog,
  { signal, note, output }: Reading = {},
): Promise<FloatSource> {
  const { altered, changed, wantsBytes, model } = await stages.run('read', async () => {
    const file = await readModel(path);
    const chosen = withChosenOutput(file, output);
    const settled = await settledSound(chosen, note);
    return { altered: settled.widened || chosen !== file, ...asImageInput(settled.model) };
  });
  // 13 is the oldest operator set that can say per-channel weights; passes need to know no older forms of the operators.
  const notes: string[] = [];
  const onNote = (pass: string, text: string): void => void notes.push(`${pass}: ${text}`);
  const folded = await stages.run('fold', () => runPasses(upgradeOpset(model, 13), FOLDING, { onNote, signal }));
  requireFiniteWeights(folded, 'the model has weights that are no numbers once its normalisations are folded');
  const original = changed || altered ? encodeModel(model) : path;
  let stored: Promise<Model> | undefined;
  return {
    model,
    folded,
    notes,
    wantsBytes,
    original,
    stored() {
      stored ??= withStoredWeights(model, signal);
      return stored;
    },
  };
}

/** Refused where nothing can be made of it. @throws {WaysideError} MODEL_UNSUPPORTED, MODEL_NOT_FINITE; as `settleForms` */
async function settledSound(given: Model, note: Reading['note']): Promise<FloatForms> {
  requireInference(given);
  const settled = await settleForms(given, note);
  requireFiniteWeights(settled.model, 'the model has weights that are no numbers');
  return settled;
}

/**
 * A float model for what works on the file's own layers, without images: its weights as initializers, its normalisations as they
 * are.
 *
 * @throws {WaysideError} as `readFloat`
 */
export async function readStored(path: string, { signal, note, output }: Reading = {}): Promise<Model> {
  const { model } = await settledSound(withChosenOutput(await readModel(path), output), note);
  return withStoredWeights(model, signal);
}
