import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSession, type Session, type SessionOptions } from '../inference/session.ts';
import { encodeApart, encodeModel } from '../onnx/file/write.ts';
import type { Model } from '../onnx/graph.ts';

/** Bytes of weights from which on a model goes through a file. */
const LARGE_BYTES = 32 * 2 ** 20;
/** Smaller tensors stay in the model: shapes and axes must, for ONNX Runtime reads them while it loads. */
const APART_BYTES = 64 * 2 ** 10;

/**
 * A session over a model in memory, for some runs and not for a life.
 *
 * A large one is written to a temporary file with its weights beside it, which ONNX Runtime maps into memory: no copy is made of them.
 * Handed over as bytes, they are copied into one array, from there into a message, from there into tensors, and float weights once more in
 * the order of its kernels. VGG16 for photographs (553 MB), loading it: 4.2 s and 1.6 GB as bytes; 0.2 s and its own 0.5 GB from a
 * file and without that last copy, which a run over one image is no slower for.
 *
 * @throws {WaysideError} SESSION_LOAD, MODEL_*
 */
export async function openGraph(model: Model, options: SessionOptions = {}): Promise<Session> {
  let [floats, all] = [0, 0];
  for (const { dtype, bytes } of model.graph.initializers.values()) {
    all += bytes.length;
    if (dtype === 'float32') floats += bytes.length;
  }
  if (all < LARGE_BYTES) return openSession(encodeModel(model), options);
  const folder = await mkdtemp(join(tmpdir(), 'wayside-session-'));
  try {
    const path = join(folder, 'model.onnx');
    const { encoded, pieces } = encodeApart(model, 'weights', APART_BYTES);
    await writePieces(join(folder, 'weights'), pieces);
    await writeFile(path, encoded);
    // Kernels of int8 take up to four times as long with weights in the order of the file.
    const config = floats > all / 2 ? { 'session.disable_prepacking': '1', ...options.config } : options.config;
    return await openSession(path, { ...options, ...(config && { config }) });
  } finally {
    await rm(folder, { recursive: true, force: true }); // what is mapped stays readable
  }
}

async function writePieces(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const piece of pieces) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}
