import type { Counts } from './counting/crossing-tally.ts';
import type { ViewState } from './view/state.ts';
import { bytes, counted, milliseconds, percent } from './view/text.ts';

/** What a run came to: the document of `--json` and the same for a person. */
export interface Summary {
  readonly document: object;
  readonly text: string;
}

interface Run {
  readonly view: ViewState;
  /** Detections that the sequence numbers say were sent and that never came. */
  readonly lost: number;
  /** Frames that the daemon dropped unanalysed because the model was busy. */
  readonly dropped: number | null;
  /** From the start of the command to the first detection, seconds. */
  readonly firstDetectionSeconds: number | null;
  /** True when latency counts from the frame leaving the camera; else from its reaching the box. */
  readonly fromCamera: boolean;
}

export function summarize({ view, lost, dropped, firstDetectionSeconds, fromCamera }: Run): Summary {
  const { frames, seconds, latency, memory, model, accuracy, counts } = view;
  const document = {
    frames,
    seconds: rounded(seconds, 2),
    firstDetectionSeconds: firstDetectionSeconds === null ? null : rounded(firstDetectionSeconds, 2),
    lost,
    dropped,
    latencyMs: {
      p50: latency.p50 && rounded(latency.p50, 1),
      p95: latency.p95 && rounded(latency.p95, 1),
      from: fromCamera ? 'camera' : 'box',
    },
    memoryBytes: memory,
    package: { name: model.name, bytes: model.bytes },
    accuracy,
    counts,
  };
  return { document, text: textOf({ view, lost, dropped, firstDetectionSeconds, fromCamera }) };
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

function textOf({ view, lost, dropped, firstDetectionSeconds, fromCamera }: Run): string {
  const { frames, seconds, latency, memory, model, accuracy, counts } = view;
  const lines = [
    '',
    `${frames} frames analysed in ${seconds.toFixed(1)} s${firstDetectionSeconds === null ? '' : `, the first after ${firstDetectionSeconds.toFixed(1)} s`}; ${dropped ?? 'unknown'} dropped, ${lost} detections lost`,
    `latency  p50 ${milliseconds(latency.p50)}, p95 ${milliseconds(latency.p95)}, from ${fromCamera ? 'the camera sending a frame' : 'a frame reaching the box'} to its detections arriving over MQTT`,
    `memory   supervisor ${bytes(memory.supervisor)}, inference ${bytes(memory.inference)}, decoder ${bytes(memory.decoders)}`,
    `package  ${model.name}, ${bytes(model.bytes)} on disk`,
  ];
  if (counts !== null) return [...lines, ...countsText(counts)].join('\n');
  if (accuracy === null) return [...lines, 'accuracy unknown: only the rendered scene knows the truth'].join('\n');
  const { n, clear, contested, classes, unmatchedFrames } = accuracy;
  return [
    ...lines,
    `accuracy ${percent(accuracy.accuracy)} of ${n} regions against the scene's truth; ${percent(clear.accuracy)} of the ${clear.n} clear ones, ${percent(contested.accuracy)} of the ${contested.n} contested`,
    ...classes.map(
      ({ class: name, n: own, accuracy: share }) => `  ${name.padEnd(10)} ${percent(share).padStart(7)} of ${own}`,
    ),
    ...(unmatchedFrames === 0
      ? []
      : [`  ${unmatchedFrames} frames could not be matched with the scene and are in none of these figures`]),
  ].join('\n');
}

/** The sentence first, then every line and direction. */
function countsText(counts: Counts): string[] {
  const { truth, missed, false: wrong, undecided, unseen, flows } = counts;
  const rate = truth === 0 ? '' : `; missed and false are ${percent((missed + wrong) / truth)} of what passed`;
  return [
    `counts   ${counted(counts)}${rate}`,
    ...flows.map(
      ({ line, direction, ...flow }) =>
        `  ${`${line} ${direction}`.padEnd(16)} ${`${flow.counted} of ${flow.truth}`.padStart(9)}, ${flow.missed} missed, ${flow.false} false`,
    ),
    ...(unseen === 0
      ? []
      : [`  ${unseen} passed while the box saw no frame for over a second: in none of these figures`]),
    ...(undecided === 0
      ? []
      : [
          `  ${undecided} passed in the last seconds, whose counts may have been on their way: in none of these figures`,
        ]),
    '  The truth is that of the rendered street, and this model knows no other: of real streets these figures say nothing.',
  ];
}
