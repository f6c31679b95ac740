import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeModel } from '../../../onnx/file/read.ts';
import { encodeModel, writeModel } from '../../../onnx/file/write.ts';
import type { Model } from '../../../onnx/graph.ts';
import { writeColours } from '../../support/tiny-classifier.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

/** Options of a run in a place of its own: the classifier with channels to spare, and 300 coloured images it is right about. */
export async function given(folder: string, model: Model = wideClassifier()) {
  const colours = Array.from({ length: 300 }, (_, i) => i % 3);
  const data = await writeColours(join(folder, 'colours'), colours);
  const place = join(folder, `run-${(await readdir(folder)).length}`);
  await mkdir(place);
  const path = join(place, 'wide.onnx');
  await writeModel(model, path);
  const at = (name: string): string => join(place, name);
  return { at, options: { model: path, data: `cifar10:${data}`, calibration: 64, threads: 1 } };
}

/** The bytes of a file's model without the notes it carries: what runs. */
export async function modelIn(path: string): Promise<Uint8Array> {
  return encodeModel({ ...decodeModel(await readFile(path)), metadata: new Map() });
}
