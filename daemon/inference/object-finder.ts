import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Execution } from '../../inference/hardware/execution.ts';
import { createDetector, type Detector } from '../../inference/heads/detector.ts';
import type { RgbImage } from '../../inference/image.ts';
import type { Manifest } from '../../inference/manifest.ts';
import type { Analysis, FrameModel, OpenedPackage } from './frame-model.ts';

/** A model that finds objects, looking at whole frames. */
export class ObjectFinder implements FrameModel {
  readonly identity: ModelIdentity;
  readonly manifest: Manifest;
  readonly execution: Execution;
  readonly #detector: Detector;

  /** @throws {WaysideError} MODEL_UNSUPPORTED, PREPROCESS_MISMATCH */
  constructor({ identity, manifest, session, execution }: OpenedPackage) {
    this.execution = execution;
    const { head, preprocessing, name, output } = manifest;
    if (head === undefined)
      throw new WaysideError('PACKAGE_INVALID', { message: `${name}: a model that finds objects, without a head` });
    this.identity = identity;
    this.manifest = manifest;
    this.#detector = createDetector(session, head, preprocessing);
    if (this.#detector.classes !== output.classes)
      throw new WaysideError('PACKAGE_INVALID', {
        message: `${name}: the manifest names ${output.classes} classes, the model has ${this.#detector.classes}`,
      });
  }

  async analyse(frame: RgbImage): Promise<Analysis> {
    const { detections, preprocessMs, runMs } = await this.#detector.detect(frame);
    return { preprocessMs, runMs, regions: [], objects: detections };
  }
}
