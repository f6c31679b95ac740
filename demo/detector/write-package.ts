import { join } from 'node:path';
import { digestOfFile } from '../../core/hash.ts';
import type { Progress } from '../../core/progress.ts';
import { quantizeNetwork } from '../../exporter/commands/quantize-network.ts';
import { planAsJson } from '../../exporter/plan/plan.ts';
import { modelBom } from '../../exporter/sbom/model-bom.ts';
import { recordDetections } from '../../inference/heads/golden.ts';
import { type PackageContents, writePackage } from '../../inference/package.ts';
import { SBOM } from '../../inference/read-package.ts';
import { RUNTIME_VERSION } from '../../inference/runtime.ts';
import { openSession } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { collected, MEASURED, streetFrames, unlabelled } from './frames.ts';
import { judgeDetector } from './judge.ts';
import { HEAD, PREPROCESSING, ROAD_USERS } from './network.ts';
import { reducer } from './reduced.ts';

const CALIBRATE = { part: 'calibrate', scenes: 12, perScene: 8 } as const;
/** 16 lose a point of mean average precision beside float, 64 no less than these. */
const CLUSTERS = 32;
/** Golden samples: those in which most is found, 48 kB each. */
const GOLDEN = 2;

const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** The image at half the size of the input in each direction: enough to prove a processor with. */
const reduced = reducer([PREPROCESSING.size[0] / 2, PREPROCESSING.size[1] / 2]);

/**
 * Compresses the trained network, writes its package and measures both on streets that neither has seen.
 *
 * @param float path of the trained network
 * @returns what there is to say of them
 */
export async function writeDetectorPackage(
  float: string,
  out: string,
  onProgress: (progress: Progress) => void,
): Promise<string> {
  const frames = await collected(streetFrames(CALIBRATE));
  const quantized = await quantizeNetwork({
    model: float,
    data: unlabelled(frames),
    preprocessing: PREPROCESSING,
    calibration: frames.length,
    clusters: CLUSTERS,
    threads: 1,
    onProgress,
  });
  const model = encodeModel(quantized.model);
  const session = await openSession(model, { threads: 1 });
  const samples = await recordDetections(
    session,
    HEAD,
    PREPROCESSING,
    frames.map(({ image }) => reduced(image)),
  );
  const golden = samples.sort((a, b) => b.scores.length - a.scores.length).slice(0, GOLDEN);
  const { input, output } = session;
  await session.close();
  const manifest = {
    task: 'grid',
    purpose: 'demonstration',
    name: 'street-grid',
    version: '5',
    input: { name: input.name, shape: [...input.shape] },
    output: { name: output.name, classes: ROAD_USERS.length },
    preprocessing: PREPROCESSING,
    head: { ...HEAD, box: { ...HEAD.box } },
    labels: [...ROAD_USERS],
    thresholds: { score: 0.4 },
    minimumRuntime: RUNTIME_VERSION,
    target: quantized.plan.target,
    plan: planAsJson(quantized.plan),
  } satisfies PackageContents['manifest'];
  const files = { [SBOM]: modelBom({ manifest, model }) };
  const { bytes } = await writePackage(out, { manifest, model, golden, files }, { replace: true });
  const test = await collected(streetFrames(MEASURED));
  const [ofFloat, ofInt8] = [await judgeDetector(float, test), await judgeDetector(model, test)];
  const rows = ofFloat.classes.map(
    (each, i) =>
      `${each.class.padEnd(12)}${String(each.objects).padStart(6)}${percent(each.precision).padStart(10)}${percent(ofInt8.classes[i]?.precision ?? 0).padStart(10)}`,
  );
  return (
    `${['average precision          float      int8', ...rows].join('\n')}\n` +
    `mean ${percent(ofFloat.meanPrecision)} and ${percent(ofInt8.meanPrecision)} on ${test.length} frames; ${bytes} bytes to load\n` +
    `model.onnx ${await digestOfFile(join(out, 'model.onnx'))}\n`
  );
}
