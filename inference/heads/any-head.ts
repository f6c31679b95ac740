import type { Preprocessing } from '../preprocess.ts';
import { classesOf, decodeDetections } from './decode.ts';
import type { Detection } from './detection.ts';
import { decodeGrid, GridHead, gridClasses, gridLength } from './grid.ts';
import { boxValues, cellsOf, DetectorHead } from './head.ts';

/** How the output of a model that finds objects is read: by what its task says. */
export type Head = DetectorHead | GridHead;

/** Tasks that find objects, with the form of the head that the manifest gives. */
export const HEAD_OF_TASK = { detector: DetectorHead, grid: GridHead } as const;
type FindingTask = keyof typeof HEAD_OF_TASK;

export const isFindingTask = (task: string | undefined): task is FindingTask =>
  task !== undefined && Object.hasOwn(HEAD_OF_TASK, task);

const isGrid = (head: Head): head is GridHead => 'stride' in head;

/** @throws {WaysideError} MODEL_UNSUPPORTED where the head does not fit an output of these dimensions */
export const headClasses = (dims: readonly (number | string)[], head: Head, size: readonly [number, number]): number =>
  isGrid(head) ? gridClasses(dims, head, size) : classesOf(dims, head, size);

/** Numbers in the output for one image. */
export function outputLength(head: Head, size: readonly [number, number], classes: number): number {
  if (isGrid(head)) return gridLength(head, size, classes);
  return cellsOf(head, size) * (boxValues(head) + classes + (head.score === 'objectness' ? 1 : 0));
}

/** Objects of one image from the output of its model, by falling score. */
export function decodeHead(
  output: Float32Array,
  head: Head,
  asked: { readonly preprocessing: Preprocessing; readonly image: { readonly width: number; readonly height: number } },
): Detection[] {
  return isGrid(head) ? decodeGrid(output, { ...asked, head }) : decodeDetections(output, { ...asked, head });
}
