import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { median, quantile, slope } from '../../../core/statistics.ts';
import { startRtspServer } from '../../../demo/rtsp/server.ts';
import { videoFileSource } from '../../../demo/rtsp/video-file-source.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { CLIP, clip720p25 } from '../../harness/clip.ts';
import { type LiveRun, watchLive } from '../../harness/live.ts';
import { squeezenetPackage } from '../../harness/packages.ts';
import { BARE_FRAMES, bareDecode, bareInference } from '../../harness/process/bare.ts';
import { startSite } from '../../harness/site/site.ts';
import type { Workplace } from '../../harness/workplace.ts';

/** 1,000 frames at 25 a second. */
const SHORT_RUN_S = BARE_FRAMES / CLIP.fps;
/** A queue that grew by one frame would delay every later one by 40 ms. */
const FRAME_MS = 1000 / CLIP.fps;

interface Model {
  readonly name: string;
  readonly folder: string;
  readonly seconds: number;
}

/** All processes of the same name together, MB, at the last sample. */
function memoryFigures(subject: string, { memory }: LiveRun): Figure[] {
  const last = memory.at(-1)?.processes ?? [];
  const names = [...new Set(last.map(({ name }) => name))];
  const total = (processes: typeof last): number => processes.reduce((sum, { resident }) => sum + resident, 0) / 1e6;
  return [
    { subject, measure: 'resident memory, all processes', value: total(last), unit: 'MB' },
    ...names.map((name) => {
      const own = last.filter((process) => process.name === name);
      return { subject, measure: `resident memory, ${own.length} x ${name}`, value: total(own), unit: 'MB' };
    }),
  ];
}

function enduranceFigures(subject: string, run: LiveRun): Figure[] {
  const totals = run.memory.map(
    ({ minute, processes }) => [minute, processes.reduce((sum, { resident }) => sum + resident, 0) / 1e6] as const,
  );
  const growth = median(run.lastLatencies) - median(run.firstLatencies);
  return [
    { subject, measure: 'length of the run', value: run.seconds / 60, unit: 'min' },
    {
      subject,
      measure: 'median latency, last minute less first',
      value: growth,
      unit: 'ms',
      limit: { atMost: FRAME_MS / 2 },
    },
    { subject, measure: 'resident memory, growth a minute', value: slope(totals), unit: 'MB' },
  ];
}

/** The daemon on the stream, then the bare parts of the same work on the same stream. */
async function measure(model: Model, clip: string, place: Workplace): Promise<Figure[]> {
  const { scratch, signal, say } = place;
  const server = await startRtspServer({ source: await videoFileSource(clip) });
  try {
    say(`${model.name}: daemon for ${Math.round(model.seconds)} s`);
    const camera = { url: server.url, rate: 60 }; // more than the camera sends: every frame
    const site = await startSite({ folder: join(scratch, model.name), model: model.folder, camera });
    let run: LiveRun;
    try {
      run = await watchLive(site, server, model.seconds, signal);
    } finally {
      await site.close();
    }
    say(`${model.name}: bare decode and bare inference at ${run.size.width}x${run.size.height}`);
    const decode = await bareDecode(server.url, run.size, place);
    const inference = await bareInference(server.url, run.size, { model: model.folder, fps: CLIP.fps }, place);
    const unpaced = await bareInference(server.url, run.size, { model: model.folder, fps: 0 }, place);
    const whole = (run.cpuSeconds / run.analysed) * BARE_FRAMES;
    const subject = model.name;
    return [
      { subject, measure: 'frames analysed', value: run.analysed, unit: '' },
      { subject, measure: 'frames dropped', value: run.dropped, unit: '' },
      { subject, measure: 'CPU per 1,000 frames, RTSP to MQTT', value: whole, unit: 's' },
      { subject, measure: 'CPU per 1,000 frames, bare decode', value: decode, unit: 's' },
      { subject, measure: 'CPU per 1,000 frames, bare inference', value: inference, unit: 's' },
      { subject, measure: 'CPU per 1,000 frames, bare inference without a pause', value: unpaced, unit: 's' },
      {
        subject,
        measure: 'RTSP to MQTT / (decode + inference)',
        value: whole / (decode + inference),
        unit: 'times',
        limit: { atMost: 1.25 },
      },
      {
        subject,
        measure: 'CPU of a frame beyond decode and inference',
        value: whole - decode - inference, // s per 1,000 frames are ms per frame
        unit: 'ms',
        limit: { atMost: 0.8 },
      },
      {
        subject,
        measure: 'latency, frame sent to message received, p50',
        value: quantile(run.latencies, 0.5),
        unit: 'ms',
      },
      {
        subject,
        measure: 'latency, frame sent to message received, p95',
        value: quantile(run.latencies, 0.95),
        unit: 'ms',
      },
      ...memoryFigures(subject, run),
      ...(model.seconds > SHORT_RUN_S ? enduranceFigures(subject, run) : []),
    ];
  } finally {
    await server.close();
  }
}

export const rtsp: Benchmark = {
  name: 'rtsp',
  title: 'From RTSP to MQTT: one camera at 720p25',
  method:
    'A loopback RTSP server sends a roadside clip at 1280x720, 25 frames a second (H.264, 4 Mbit/s); the daemon classifies every frame and ' +
    'publishes through mosquitto. CPU seconds are user and system time of all processes of the daemon, from `/proc`, after 10 s of warm-up. ' +
    'Bare decode is one ffmpeg that decodes 1,000 frames of the same stream, scales them to the same size and drops them; bare inference is ' +
    '1,000 runs of the same model, as many a second as the stream has frames, in a Node process that does nothing else; both right after the daemon, on the same machine. Latency is from the moment ' +
    'the camera wrote the frame to the moment the message reached an MQTT client, both in one process by one clock. Resident memory counts shared pages in every process.',
  layout: 'list',
  headlines: [
    {
      subject: 'SqueezeNet int8',
      measure: 'latency, frame sent to message received, p50',
      says: 'from a frame leaving the camera to its MQTT message, 720p at 25 frames a second',
    },
    {
      subject: 'SqueezeNet int8',
      measure: 'RTSP to MQTT / (decode + inference)',
      says: 'CPU of the whole box against bare decoding and bare inference',
    },
  ],
  needs: ['shared-data', 'ffmpeg', 'mosquitto'],
  minutes: 10,
  async run(place) {
    const clip = await clip720p25(place);
    const models: Model[] = [
      {
        name: 'SqueezeNet int8',
        folder: await squeezenetPackage(place),
        seconds: Math.max(SHORT_RUN_S, place.minutes * 60),
      },
      { name: 'demonstration model', folder: join(PACKAGE_ROOT, 'demo', 'package'), seconds: SHORT_RUN_S },
    ];
    const figures: Figure[] = [];
    for (const model of models) figures.push(...(await measure(model, clip, place)));
    return { figures, notes: [] };
  },
};
