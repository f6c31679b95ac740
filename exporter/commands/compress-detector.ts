import { boxAgreement } from '../../calibration/detection/agreement.ts';
import { type FoundImage, findIn } from '../../calibration/detection/find.ts';
import { modelDigest } from '../../calibration/table.ts';
import { runContext } from '../../core/run/context.ts';
import { classesOf } from '../../inference/heads/decode.ts';
import { recordDetections } from '../../inference/heads/golden.ts';
import { HEADS, type HeadName } from '../../inference/heads/head.ts';
import { detectorLabels } from '../../inference/heads/prepared.ts';
import { latencyApart } from '../../inference/latency-apart.ts';
import { openModel, writePackage } from '../../inference/package.ts';
import { SBOM } from '../../inference/read-package.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import { openSession } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { CompressDetectorResult } from '../pipeline/detector-results.ts';
import { detectorSamples } from '../pipeline/detector-samples.ts';
import { packageName } from '../pipeline/prepare.ts';
import { planAsJson } from '../plan/plan.ts';
import { detectorReport } from '../report/detector.ts';
import { heldOutOf, type QuantizeNetworkOptions, quantizeNetwork } from './quantize-network.ts';

export interface CompressDetectorOptions extends Omit<QuantizeNetworkOptions, 'head'> {
  readonly head: HeadName;
  /** Folder of the package. */
  readonly out: string;
  /** Names of the classes, one a line. @default COCO's for 80 */
  readonly labels?: string | undefined;
  /** Name of the package. @default that of the file */
  readonly name?: string | undefined;
  /** @default '1' */
  readonly version?: string | undefined;
  /** Replace an existing package. @default false */
  readonly force?: boolean | undefined;
  /** Least score that a box reports. @default 0.3 */
  readonly threshold?: number | undefined;
}

/** Images that both models look at in the end, spread over those held out. */
const JUDGED = 256;

/** What is doubted below: the target of the project's own detector is 0.97. */
const LEAST_F1 = 0.9;

/** Boxes below which an agreement says little: of 20, 3 apart are 0.86 or 0.99. */
const LEAST_BOXES = 20;

/**
 * Turns a float detector into a model package, judged by its boxes.
 *
 * @throws {WaysideError} as `quantizeNetwork`; USAGE and DATASET_INVALID for names of classes; MODEL_UNSUPPORTED where the head does not
 *   fit; OUTPUT_EXISTS, FILE_WRITE_FAILED
 */
export async function compressDetector(options: CompressDetectorOptions): Promise<CompressDetectorResult> {
  const { out, force, threshold = 0.3, version = '1' } = options;
  const context = runContext(options);
  const { signal, onProgress, log } = context;
  const { head } = HEADS[options.head];
  const network = await quantizeNetwork(options);
  const { source, images, plan, preprocessing, fused } = network;
  const bytes = encodeModel(network.model);
  const indices = heldOutOf(images, plan, JUDGED);
  const looking = { head, preprocessing, indices, signal, onProgress };
  const float = await openSession(source.original, { threads: 1 });
  const session = await openSession(bytes, { threads: 1 });
  try {
    const labels = await detectorLabels(classesOf(session.output.shape, head, preprocessing.size), options.labels);
    const boxesOf = (all: readonly FoundImage[]) => all.map(({ boxes }) => boxes);
    const expected = await log
      .run('look with the float model', () =>
        findIn(float, images, { ...looking, stage: 'looking with the float model' }),
      )
      .then(boxesOf);
    const found = await log
      .run('look with the int8 model', () =>
        findIn(session, images, { ...looking, stage: 'looking with the int8 model' }),
      )
      .then(boxesOf);
    const agreement = { ...boxAgreement(expected, found), images: indices.length };
    const doubts = doubtsOf(agreement);
    for (const doubt of doubts) log.note(`warning: ${doubt}`);
    const baseline = {
      bytes: (await openModel(options.model)).bytes,
      latencyMs: await latencyApart(source.original, preprocessing, { signal }),
    };
    const candidate = { bytes: bytes.byteLength, latencyMs: await latencyApart(bytes, preprocessing, { signal }) };
    const result = {
      ...{ package: out, head: options.head, baseline, candidate, agreement, fused },
      warnings: [...network.warnings, ...doubts],
    };
    const samples = detectorSamples(images, indices, found, preprocessing.size);
    const golden = await log.run('record golden samples', () =>
      recordDetections(session, head, preprocessing, samples),
    );
    const name = options.name ?? packageName(options.model);
    const boxes = { f1: agreement.f1, iou: agreement.iou, images: agreement.images };
    const manifest = {
      ...{ task: 'detector' as const, name, version, preprocessing, head },
      input: { name: session.input.name, shape: [...session.input.shape] },
      output: { name: session.output.name, classes: labels.length },
      labels: [...labels],
      thresholds: { score: threshold },
      minimumRuntime: RUNTIME_VERSION,
      target: plan.target,
      parentModel: modelDigest(source.model),
      plan: planAsJson(plan),
      measured: { data: images.name, baseline, candidate: { ...candidate, boxes } },
    };
    const { quantized, errors } = network;
    const report = detectorReport({
      name,
      result,
      quantized,
      errors,
      labels,
      stages: log.entries,
      data: images.name,
      ...{ expected, found },
    });
    signal.throwIfAborted();
    const { modelBom } = await import('../sbom/model-bom.ts');
    const files = { [SBOM]: modelBom({ manifest, model: bytes }) };
    await writePackage(out, { manifest, model: bytes, golden, report, files }, { replace: force === true });
    return result;
  } finally {
    await float.close();
    await session.close();
  }
}

function doubtsOf({ expected, f1, images }: CompressDetectorResult['agreement']): string[] {
  if (expected < LEAST_BOXES)
    return [
      `the float model finds ${expected} boxes in ${images} images: nothing can be told from so few. Check --data, --head and --normalize`,
    ];
  if (f1 >= LEAST_F1) return [];
  return [
    `only ${(100 * f1).toFixed(1)}% of the boxes are those of the float model (F1): more images of more places may help`,
  ];
}
