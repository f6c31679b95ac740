import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { startRtspServer } from '../../demo/rtsp/server.ts';
import { videoFileSource } from '../../demo/rtsp/video-file-source.ts';
import { accuracyFigure, lossFigure } from '../harness/accuracy.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { compressSqueezenet } from '../harness/packages.ts';
import type { CompressReport } from '../harness/process/child.ts';
import { startSite } from '../harness/site/site.ts';
import type { Workplace } from '../harness/workplace.ts';

const CLUSTERS = 64;
const RATE = 5;
/** Messages waited for from each clip: 8 s of analysis. */
const MESSAGES = 40;
const TIMEOUT_MS = 60_000;

function accuracyFigures(subject: string, report: CompressReport, loss?: number): Figure[] {
  const { baseline, candidate, fused } = report;
  return [
    accuracyFigure(subject, candidate),
    lossFigure(subject, report, loss),
    { subject, measure: 'file', value: candidate.bytes / 1e6, unit: 'MB' },
    { subject, measure: 'smaller', value: baseline.bytes / candidate.bytes, unit: 'times' },
    { subject, measure: 'latency', value: candidate.latencyMs, unit: 'ms' },
    { subject, measure: 'float convolutions', value: fused.float.length, unit: '', limit: { atMost: 0 } },
  ];
}

/** Names of the even ImageNet classes, from the file names of the photographs: `436_beach_wagon.jpg`. */
async function classNames({ data }: Workplace): Promise<Map<number, string>> {
  const files = await readdir(join(data, 'imagenet-sample'));
  const parts = files.map((file) => /^(\d+)_(.*)\.jpg$/.exec(file)).filter((match) => match !== null);
  return new Map(parts.map(([, index, name = '']) => [Number(index), name.replaceAll('_', ' ')]));
}

/** Runs the daemon on one clip until enough messages came; answers the classes seen most often, as a sentence. */
async function watchClip(
  clip: string,
  model: string,
  names: ReadonlyMap<number, string>,
  { scratch, say }: Workplace,
): Promise<{ received: number; classes: string }> {
  const name = basename(clip, '.mp4');
  say(`classifying ${name}`);
  const server = await startRtspServer({ source: await videoFileSource(clip) });
  try {
    const site = await startSite({ folder: join(scratch, name), model, camera: { url: server.url, rate: RATE } });
    try {
      const seen = new Map<string, number>();
      let received = 0;
      site.listener.on('detections', ({ message }) => {
        received++;
        const { class: label = 'nothing', classIndex = -1 } = message.regions[0]?.classes[0] ?? {};
        const best = names.get(classIndex) ?? label;
        seen.set(best, (seen.get(best) ?? 0) + 1);
      });
      await site.listener.until('detections', () => received >= MESSAGES, {
        timeoutMs: TIMEOUT_MS,
        what: `${MESSAGES} detections`,
      });
      const ranked = [...seen].sort(([, a], [, b]) => b - a).slice(0, 3);
      return { received, classes: ranked.map(([label, times]) => `${label} (${times})`).join(', ') };
    } finally {
      await site.close();
    }
  } finally {
    await server.close();
  }
}

export const squeezenet: Benchmark = {
  name: 'squeezenet',
  title: 'SqueezeNet on photographs, and on roadside clips through RTSP and MQTT',
  method:
    `\`wayside compress\` on SqueezeNet 1.0 (the float weights of Deep Compression), calibrated on 128 of the 500 photographs of the test data and measured on all 500. ` +
    `The int8 + ${CLUSTERS} clusters package then classifies each clip of the test data at ${RATE} frames a second: a loopback RTSP server, the daemon, mosquitto, ` +
    `an MQTT client that counts the detections until ${MESSAGES} have arrived.`,
  layout: 'list',
  needs: ['shared-data', 'ffmpeg', 'mosquitto'],
  async run(place) {
    place.say('compressing to int8');
    const int8 = await compressSqueezenet(place, 'int8');
    place.say(`compressing to int8 + ${CLUSTERS} clusters`);
    const clustered = await compressSqueezenet(place, 'clustered', '--clusters', String(CLUSTERS));
    const figures: Figure[] = [
      accuracyFigure('SqueezeNet, float', int8.baseline),
      { subject: 'SqueezeNet, float', measure: 'file', value: int8.baseline.bytes / 1e6, unit: 'MB' },
      { subject: 'SqueezeNet, float', measure: 'latency', value: int8.baseline.latencyMs, unit: 'ms' },
      ...accuracyFigures('SqueezeNet, int8', int8),
      ...accuracyFigures(`SqueezeNet, int8 + ${CLUSTERS} clusters`, clustered, 1.5),
    ];
    const notes: string[] = [
      'the photographs used for calibration are among those measured on; they give ranges, no labels',
    ];
    const names = await classNames(place);
    const folder = join(place.data, 'video');
    for (const file of (await readdir(folder)).filter((name) => name.endsWith('.mp4')).sort()) {
      const { received, classes } = await watchClip(join(folder, file), clustered.package, names, place);
      figures.push({
        subject: file,
        measure: 'detections received',
        value: received,
        unit: '',
        limit: { atLeast: MESSAGES },
      });
      notes.push(`${file}: seen most often: ${classes}`);
    }
    return { figures, notes };
  },
};
