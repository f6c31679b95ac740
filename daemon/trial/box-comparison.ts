import { autocorrelationTime } from '../../deploy/trial/autocorrelation.ts';
import { labelOf } from '../../inference/scores.ts';
import type { CameraConfig, Config } from '../config/schema.ts';
import { leastScore } from '../detections.ts';
import { detectionsIn } from '../inference/protocol.ts';
import type { TimedFrame } from '../vision/cameras-traffic.ts';
import { countedDetections } from '../vision/class-scheme.ts';
import { ModelSchemes } from '../vision/model-schemes.ts';
import { AnswerSeries } from './answer-series.ts';
import { type Answered, ClassShift, type Comparison, classKey } from './comparison.ts';
import { LineComparison } from './line-comparison.ts';
import { matchedBoxes, type ReportedBox } from './matched-boxes.ts';

/** A frame as far as a comparison reads it. */
interface ComparedFrame {
  readonly camera: string;
  readonly frame: TimedFrame;
}

const nothing = () => ({ old: 0, candidate: 0, matched: 0 });

/**
 * Detectors answer boxes. Those count that the box would report: of counted classes, each object once, from the threshold of its model
 * on. What crosses lines is counted for both models anew, on exactly the frames that both analysed: the counts that the box publishes
 * are of more frames than a candidate sees.
 */
export class BoxComparison implements Comparison<ComparedFrame> {
  readonly #config: () => Config;
  readonly #series = new AnswerSeries<number>();
  readonly #schemes = new ModelSchemes();
  readonly #shift = new ClassShift();
  readonly #lines = new LineComparison();
  #boxes = nothing();
  #drift = 0;

  /** @param config of the daemon at the moment */
  constructor(config: () => Config) {
    this.#config = config;
  }

  measure({ camera }: ComparedFrame, running: Answered): void {
    this.#series.add(camera, [this.#reported(running, this.#camera(camera)).length]);
  }

  /** Of the number of boxes. */
  longestTime(): number {
    return this.#series.longestTime(autocorrelationTime);
  }

  compare({ camera, frame }: ComparedFrame, running: Answered, candidate: Answered): void {
    const config = this.#camera(camera);
    const [old, other] = [this.#reported(running, config), this.#reported(candidate, config)];
    const pairs = matchedBoxes(old, other);
    this.#boxes.old += old.length;
    this.#boxes.candidate += other.length;
    this.#boxes.matched += pairs.length;
    for (const { class: name } of old) this.#shift.move(name, -1);
    for (const { class: name } of other) this.#shift.move(name, 1);
    for (const [one, another] of pairs) this.#drift += another.score - one.score;
    if (config === undefined || config.lines.length === 0) return;
    const of = ({ ready, result }: Answered) => ({
      scheme: this.#scheme(ready),
      detections: detectionsIn(result) ?? [],
    });
    this.#lines.compare(config, frame, of(running), of(candidate));
  }

  block(): ReturnType<Comparison<unknown>['block']> {
    const { old, candidate, matched } = this.#boxes;
    const lines = this.#lines.counts(this.#config().cameras);
    const either = old + candidate - matched;
    return {
      classShift: this.#shift.shares(old, Buffer.byteLength(JSON.stringify(lines))),
      disagreement: either === 0 ? 0 : 1 - matched / either,
      scoreDrift: matched === 0 ? 0 : this.#drift / matched,
      boxes: { ...this.#boxes },
      ...(Object.keys(lines).length > 0 && { lines }),
    };
  }

  clear(): void {
    this.#boxes = nothing();
    this.#drift = 0;
    this.#shift.clear();
    this.#lines.clear();
  }

  #camera(id: string): CameraConfig | undefined {
    return this.#config().cameras.find((camera) => camera.id === id);
  }

  #scheme(ready: Answered['ready']): ReturnType<ModelSchemes['of']> {
    return this.#schemes.of(ready, this.#config().counting.classes);
  }

  #reported({ ready, result }: Answered, camera: CameraConfig | undefined): ReportedBox[] {
    const scheme = this.#scheme(ready);
    return countedDetections(detectionsIn(result) ?? [], scheme).flatMap(({ box, score, classIndex }) => {
      const name = scheme.classes[classIndex] ?? labelOf(undefined, classIndex);
      return score < leastScore(ready, name, camera?.threshold) ? [] : [{ box, score, class: classKey(name) }];
    });
  }
}
