import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../../calibration/dataset.ts';
import { compressDetector } from '../../../exporter/commands/compress-detector.ts';
import { verifyDetections } from '../../../inference/heads/golden.ts';
import { COCO_CLASSES, HEADS } from '../../../inference/heads/head.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { openSession } from '../../../inference/session.ts';
import { writeModel } from '../../../onnx/file/write.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { spotDetector } from '../../support/spot-detector.ts';

const folder = temporaryFolder();
const SIDE = 64;

/** One bright cell of 8x8 pixels, another in every image, as bright as the number of the image says. */
const spots = (size: number, level = (index: number): number => 120 + ((index * 7) % 120)): Dataset =>
  madeDataset(size, (index) => {
    const data = new Uint8Array(SIDE * SIDE * 3);
    const [column, row] = [(index * 3) % 8, (index * 5) % 8];
    for (let y = 8 * row; y < 8 * row + 8; y++)
      data.fill(level(index), (y * SIDE + 8 * column) * 3, (y * SIDE + 8 * column + 8) * 3);
    return { label: 0, image: { width: SIDE, height: SIDE, data } };
  });

async function compressed(name: string, data: Dataset) {
  const model = join(folder(), `${name}-model.onnx`);
  await writeModel(spotDetector(), model);
  const out = join(folder(), name);
  const notes: string[] = [];
  const note = (text: string): number => notes.push(text);
  return {
    notes,
    out,
    result: await compressDetector({ model, head: 'yolox', data, out, threads: 1, note, calibration: 40 }),
  };
}

describe('compressDetector', () => {
  it('writes a package that a box reads, and says how its boxes agree', async () => {
    const { out, result } = await compressed('spots', spots(100));
    expect(result.agreement).toMatchObject({ expected: 60, found: 60, recall: 1, f1: 1, images: 60 });
    expect(result.agreement.iou).toBeGreaterThan(0.95);
    expect(result.fused).toMatchObject({ quantized: 1, float: [] });
    const { manifest, modelPath, golden, dir } = await readPackage(out);
    expect(manifest).toMatchObject({
      task: 'detector',
      format: 2,
      head: HEADS.yolox.head,
      labels: COCO_CLASSES,
      output: { classes: 80 },
      preprocessing: { ...HEADS.yolox.preprocessing, size: [SIDE, SIDE] },
      thresholds: { score: 0.3 },
      measured: { candidate: { boxes: { f1: 1, images: 60 } } },
    });
    const session = await openSession(modelPath, { threads: 1 });
    try {
      expect(golden.map(({ scores }) => scores.length)).toEqual([6, 6]);
      const { head = HEADS.yolox.head, preprocessing } = manifest;
      await verifyDetections(session, head, preprocessing, golden);
      // A processor on which sums saturate finds it less surely, or elsewhere.
      for (const [at, by] of [
        [1, -0.2],
        [2, 0.2],
      ] as const) {
        const altered = golden.map(({ image, scores }) => ({
          image,
          scores: scores.map((v, i) => (i === at ? v + by : v)),
        }));
        await expect(verifyDetections(session, head, preprocessing, altered)).rejects.toMatchObject({
          code: 'GOLDEN_MISMATCH',
        });
      }
      const empty = golden.map(({ image }) => ({ image, scores: new Float32Array() }));
      await expect(verifyDetections(session, head, preprocessing, empty)).rejects.toThrow(
        /expected no box there, got one/,
      );
    } finally {
      await session.close();
    }
    const report = await readFile(join(dir, 'report.html'), 'utf8');
    expect(report).toContain('Boxes agree (F1)');
    expect(report).toMatch(/<th scope="row">car<\/th>.*60/);
  });

  it('says that nothing can be told where the float model finds nothing', async () => {
    const { notes, result } = await compressed(
      'dark',
      spots(20, () => 10),
    );
    expect(result.warnings.join()).toMatch(/finds 0 boxes in \d+ images/);
    expect(notes.join('\n')).toContain('warning: the float model finds 0 boxes');
  });

  it('refuses a head that the output does not fit, before it calibrates', async () => {
    const model = join(folder(), 'other.onnx');
    await writeModel(spotDetector(), model);
    const asked = { model, data: spots(20), out: join(folder(), 'never'), threads: 1 };
    await expect(compressDetector({ ...asked, head: 'nanodet-plus' })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
    });
  });
});
