import { join } from 'node:path';
import { expect, it } from 'vitest';
import { framesDataset, halves, letterboxedFrames } from '../../bench/detection/frames.ts';
import { detectionsOf, YOLOX_INPUT, YOLOX_PREPROCESSING } from '../../bench/detection/yolox-model.ts';
import { boxAgreement } from '../../calibration/detection/agreement.ts';
import { compress } from '../../exporter/commands/compress.ts';
import { quantizeNetwork } from '../../exporter/commands/quantize-network.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { madeDataset } from '../support/memory-dataset.ts';
import { describeWith, sharedData } from '../support/requirements.ts';

const folder = temporaryFolder();

describeWith({ needs: ['data', 'ffmpeg'] }, 'YOLOX-Nano', () => {
  const data = sharedData() ?? '';
  const model = join(data, 'models', 'yolox_nano.onnx');

  it('in int8 finds the boxes that the float model finds on other frames than it was calibrated on', async () => {
    const clip = join(data, 'video', 'vct-input-video.mp4');
    const { first, second } = halves([await letterboxedFrames(clip, { side: YOLOX_INPUT, rate: 1 })]);
    const made = await quantizeNetwork({
      model,
      data: framesDataset('first half', first),
      preprocessing: YOLOX_PREPROCESSING,
      head: 'yolox',
      threads: 1,
    });
    const found = await detectionsOf(encodeModel(made.model), second);
    const agreement = boxAgreement(await detectionsOf(model, second), found);
    expect(agreement.expected).toBeGreaterThan(10);
    expect(agreement.f1).toBeGreaterThan(0.9);
    expect(agreement.iou).toBeGreaterThan(0.85);
    expect(made.fused.quantized).toBeGreaterThan(made.fused.float.length);
    expect(made.fused.float.every(({ planned }) => planned === true)).toBe(true);
  });

  it('is refused where an accuracy is asked for, before anything is calibrated', async () => {
    const set = madeDataset(2, () => ({ label: 0, image: { width: 8, height: 8, data: new Uint8Array(192) } }));
    const compressed = compress({ model, data: { train: set, test: set }, out: join(folder(), 'package') });
    await expect(compressed).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' });
  });
});
