import { encodeModel, writeModel } from '../../onnx/file/write.ts';
import { withNotes } from '../reading/model-notes.ts';
import { type QuantizedNetwork, type QuantizeNetworkOptions, quantizeNetwork } from './quantize-network.ts';
import { type FileOptions, requireFreeFile } from './stage-file.ts';

interface QuantizeUnlabelledOptions extends Omit<QuantizeNetworkOptions, 'data'>, FileOptions {
  /** Images like those the model will see: `images:DIR`, any folder of them, or `cifar10:DIR`. */
  readonly data: string;
}

export interface QuantizeUnlabelledResult
  extends Pick<QuantizedNetwork, 'distance' | 'samples' | 'fused' | 'noisy' | 'warnings'> {
  readonly model: string;
  readonly bytes: number;
}

/**
 * Writes the int8 QDQ model of any network that takes an image, judged without labels.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, FILE_WRITE_FAILED; as `quantizeNetwork`
 */
export async function quantizeUnlabelled(options: QuantizeUnlabelledOptions): Promise<QuantizeUnlabelledResult> {
  await requireFreeFile(options);
  const { model, preprocessing, distance, samples, fused, noisy, warnings } = await quantizeNetwork(options);
  const noted = { ...model, metadata: withNotes(model.metadata, preprocessing, undefined) };
  await writeModel(noted, options.out);
  return { model: options.out, bytes: encodeModel(noted).byteLength, distance, samples, fused, noisy, warnings };
}
