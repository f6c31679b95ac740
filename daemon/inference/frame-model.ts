import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { verifyGolden } from '../../inference/golden.ts';
import { type Execution, type ExecutionChoice, openExecution } from '../../inference/hardware/execution.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import { verifyFinding } from '../../inference/heads/golden.ts';
import type { Box, RgbImage } from '../../inference/image.ts';
import type { Manifest } from '../../inference/manifest.ts';
import type { Polygon } from '../../inference/polygon.ts';
import { inputLength } from '../../inference/preprocess.ts';
import { readPackage } from '../../inference/read-package.ts';
import type { Ranked } from '../../inference/scores.ts';
import { floatTensor, type Session } from '../../inference/session.ts';

/** What is asked of a frame. A model that finds objects looks at the whole frame and gives all that it sees. */
export interface Wanted {
  readonly boxes: readonly Box[];
  /** Of the boxes, by their order: what alone is looked at in a box. The same polygon is the same object in every frame. */
  readonly polygons?: readonly (Polygon | undefined)[];
  readonly topK: number;
  /** NaN: the thresholds of the package. */
  readonly threshold: number;
}

/** What a model says of a frame. */
export interface Analysis {
  readonly preprocessMs: number;
  readonly runMs: number;
  /** Of a classifier, per region of the frame: best classes first. */
  readonly regions: Ranked[][];
  /** Of a model that finds objects: down to a score that trackers still use. */
  readonly objects?: Detection[];
}

/** A model of a package, proven on this processor. */
export interface FrameModel {
  readonly identity: ModelIdentity;
  readonly manifest: Manifest;
  /** What it really runs on. */
  readonly execution: Execution;
  /** @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_RUN, MODEL_NOT_FINITE */
  analyse(frame: RgbImage, wanted: Wanted): Promise<Analysis>;
}

export interface OpenedPackage {
  readonly identity: ModelIdentity;
  readonly manifest: Manifest;
  readonly session: Session;
  readonly execution: Execution;
}

/** An input of zeros. */
async function runOnce(session: Session, preprocessing: Manifest['preprocessing']): Promise<unknown> {
  const { input, output } = session;
  const rows = typeof input.shape[0] === 'number' ? input.shape[0] : 1;
  const data = new Float32Array(rows * inputLength(preprocessing));
  const tensor = floatTensor(data, [rows, 3, ...preprocessing.size]);
  return await session.run({ [input.name]: tensor }, { outputs: [output.name] });
}

/**
 * Opens a package and lets the model prove itself: it must reproduce the golden samples on this processor.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, PACKAGE_INVALID, SESSION_LOAD, GOLDEN_MISMATCH, PREPROCESS_MISMATCH, SESSION_RUN
 */
export async function openPackage(dir: string, choice: ExecutionChoice): Promise<OpenedPackage> {
  const { manifest, modelPath, digest, golden } = await readPackage(dir);
  const { preprocessing, name, version } = manifest;
  const { session, execution } = await openExecution(modelPath, choice, (opened) => runOnce(opened, preprocessing));
  const { tolerance } = manifest.golden;
  const { head } = manifest;
  if (head === undefined) await verifyGolden(session, preprocessing, golden, tolerance);
  else await verifyFinding(session, { head, classes: manifest.output.classes, preprocessing, tolerance }, golden);
  return { identity: { name, version, digest }, manifest, session, execution };
}
