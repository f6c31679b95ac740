import { copyFile, mkdir } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { quantile } from '../../../core/statistics.ts';
import { type RtspServer, startRtspServer } from '../../../demo/rtsp/server.ts';
import { videoFileSource } from '../../../demo/rtsp/video-file-source.ts';
import { readPackage } from '../../../inference/read-package.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { CLIP, clip720p25 } from '../../harness/clip.ts';
import { peerPython } from '../../harness/peers/environment.ts';
import { startLivePeer } from '../../harness/peers/live-peer.ts';
import { bareDecode, bareInference } from '../../harness/process/bare.ts';
import { cpuSeconds } from '../../harness/process/tree.ts';
import { mosquittoIn } from '../../harness/site/broker.ts';
import { FrameLatencies } from '../../harness/site/frame-latency.ts';
import { startSite } from '../../harness/site/site.ts';
import { type ProcessSample, sampleNow } from '../../harness/soak/samples.ts';
import type { Workplace } from '../../harness/workplace.ts';

const CAMERAS = [1, 4, 8] as const;
/** Frames analysed a second, of each camera. */
const RATE = 10;
/** The first seconds hold the start of the processes; at ten frames a second V8 compiles what is done with each for a minute. */
const WARM_UP_MS = { daemon: 60_000, peer: 20_000 } as const;
const START = { timeoutMs: 60_000, what: 'the first detections' };
const MODEL = join(PACKAGE_ROOT, 'demo', 'detector-package');

/** What a tree of processes did in a time. */
interface Spent {
  readonly analysed: number;
  readonly dropped: number;
  /** Of all processes, and of those that decode alone. */
  readonly cpuSeconds: number;
  readonly decoding: number;
  /** Proportional, of all processes at the end, bytes. */
  readonly memory: number;
}

const sum = (processes: readonly ProcessSample[], of: (process: ProcessSample) => number): number =>
  processes.reduce((total, process) => total + of(process), 0);
const otherThanDecoding = ({ role, cpuSeconds }: ProcessSample): number => (role === 'decoder' ? 0 : cpuSeconds);

interface Watched {
  readonly who: keyof typeof WARM_UP_MS;
  readonly pid: number;
  readonly analysed: () => number;
  readonly dropped: () => number;
}

async function watch({ who, pid, analysed, dropped }: Watched, place: Workplace): Promise<Spent> {
  await delay(WARM_UP_MS[who], undefined, { signal: place.signal });
  const [before, spentBefore, from, gone] = [await sampleNow(pid), await cpuSeconds(pid), analysed(), dropped()];
  await delay(place.minutes * 60_000, undefined, { signal: place.signal });
  const after = await sampleNow(pid);
  const spent = (await cpuSeconds(pid)) - spentBefore; // with what decoders had used that were replaced
  return {
    analysed: analysed() - from,
    dropped: dropped() - gone,
    cpuSeconds: spent,
    decoding: spent - (sum(after, otherThanDecoding) - sum(before, otherThanDecoding)),
    memory: sum(after, ({ proportional }) => proportional),
  };
}

interface DaemonRun {
  readonly spent: Spent;
  /** ms, frame sent to message received. */
  readonly latencies: readonly number[];
  /** CPU seconds per 1,000 frames of bare decoding and bare inference, which come as often. */
  readonly bare: number;
}

async function bareParts([server, ...others]: readonly RtspServer[], place: Workplace): Promise<number> {
  const { url } = server ?? { url: '' };
  const { size } = (await readPackage(MODEL)).manifest.preprocessing;
  const [height, width] = size;
  const fps = RATE * (1 + others.length);
  const inference = await bareInference(url, { width, height }, { model: MODEL, fps }, place);
  return (await bareDecode(url, { width, height }, place, RATE)) + inference;
}

/** The daemon on some cameras. */
async function daemon(servers: readonly RtspServer[], node: string, place: Workplace): Promise<DaemonRun> {
  const [camera, ...others] = servers.map(({ url }) => ({ url, rate: RATE }));
  const folder = join(place.scratch, `site-${servers.length}`);
  const site = await startSite({ folder, model: MODEL, camera: camera ?? { url: '' }, others, node });
  let run: Omit<DaemonRun, 'bare'>;
  try {
    let analysed = 0;
    const dropped = servers.map(() => 0);
    const matched = servers.map((server) => new FrameLatencies(server, CLIP.fps));
    for (const [i, listener] of site.listeners.entries()) {
      listener.on('detections', (arrival) => {
        analysed++;
        matched[i]?.hear(arrival);
      });
      listener.on('camera-status', ({ message }) => {
        dropped[i] = message.dropped;
      });
    }
    await site.listener.until('detections', () => true, START);
    const from = performance.now() + WARM_UP_MS.daemon;
    const watched: Watched = {
      who: 'daemon',
      pid: site.daemon.pid,
      analysed: () => analysed,
      dropped: () => dropped.reduce((total, each) => total + each, 0),
    };
    const spent = await watch(watched, place);
    run = { spent, latencies: matched.flatMap((each) => each.between(from, performance.now())) };
  } finally {
    await site.close();
  }
  return { ...run, bare: await bareParts(servers, place) };
}

/** The same work in Python. */
async function peer(
  servers: readonly RtspServer[],
  python: string,
  work: 'whole' | 'decoding',
  place: Workplace,
): Promise<Spent> {
  const folder = join(place.scratch, `peer-${servers.length}-${work}`);
  const { manifest, modelPath: path } = await readPackage(MODEL);
  await mkdir(folder, { recursive: true });
  const broker = await mosquittoIn(folder);
  await broker.start();
  try {
    const urls = servers.map(({ url }) => url);
    const model = work === 'decoding' ? null : { path, manifest };
    const running = await startLivePeer({ python, broker: broker.url, urls, rate: RATE, model, folder });
    try {
      await running.begun;
      const { pid } = running.program;
      const [analysed, dropped] = [() => running.analysed, () => running.dropped];
      return await watch({ who: 'peer', pid, analysed, dropped }, place);
    } finally {
      await running.close();
    }
  } finally {
    await broker.stop();
  }
}

function spentFigures(subject: string, { analysed, dropped, cpuSeconds, memory }: Spent, decoded: number): Figure[] {
  const perThousand = (seconds: number): number => (1000 * seconds) / analysed;
  return [
    { subject, measure: 'frames analysed', value: analysed, unit: '' },
    { subject, measure: 'dropped', value: dropped, unit: '' },
    { subject, measure: 'CPU per 1,000 frames', value: perThousand(cpuSeconds), unit: 's' },
    { subject, measure: 'of it decoding', value: decoded, unit: 's' },
    { subject, measure: 'memory', value: memory / 1e6, unit: 'MB' },
  ];
}

async function compare(count: number, clip: string, node: string, python: string | undefined, place: Workplace) {
  const { say } = place;
  const names = count === 1 ? '1 camera' : `${count} cameras`;
  const servers: RtspServer[] = [];
  try {
    for (let i = 0; i < count; i++) servers.push(await startRtspServer({ source: await videoFileSource(clip) }));
    say(`${names}: the daemon`);
    const { spent, latencies, bare: parts } = await daemon(servers, node, place);
    const subject = `${names}, Wayside`;
    const figures = spentFigures(subject, spent, (1000 * spent.decoding) / spent.analysed);
    const beyond = (1000 * spent.cpuSeconds) / spent.analysed - parts; // s per 1,000 frames are ms per frame
    figures.push({
      subject,
      measure: 'of a frame beyond bare decode and inference',
      value: beyond,
      unit: 'ms',
      limit: { atMost: 0.8 },
    });
    for (const share of [0.5, 0.95, 0.99])
      figures.push({ subject, measure: `latency p${share * 100}`, value: quantile(latencies, share), unit: 'ms' });
    if (python === undefined) return figures;
    say(`${names}: Python`);
    const other = await peer(servers, python, 'whole', place);
    say(`${names}: Python, decoding alone`);
    const bare = await peer(servers, python, 'decoding', place);
    const bareDecoding = bare.cpuSeconds / bare.analysed;
    figures.push(...spentFigures(`${names}, Python`, other, 1000 * bareDecoding));
    const [own, others] = [spent.cpuSeconds / spent.analysed, other.cpuSeconds / other.analysed];
    const apart = (own - spent.decoding / spent.analysed) / (others - bareDecoding);
    figures.push(
      { subject, measure: 'CPU / Python', value: own / others, unit: '', limit: { atMost: 0.5 } },
      { subject, measure: 'without decoding', value: apart, unit: '' },
      { subject, measure: 'memory / Python', value: spent.memory / other.memory, unit: '', limit: { atMost: 1 } },
    );
    return figures;
  } finally {
    for (const server of servers) await server.close();
  }
}

export const cameras: Benchmark = {
  name: 'cameras',
  title: 'One, four and eight cameras, beside the same work in Python',
  method:
    `Loopback RTSP servers send a roadside clip at 1280x720, 25 frames a second (H.264, 4 Mbit/s). ${RATE} of them a second are looked at by the detector of \`npm start\`, its objects followed, and published through mosquitto: by the daemon, then, ` +
    'on the same streams, by a Python program (`bench/peers/live_cameras.py`: OpenCV with the same options of ffmpeg, the same model in ONNX Runtime on one thread, ByteTrack of the `trackers` package, paho-mqtt; a thread a camera, frames that are not looked at are decoded and not converted), and once more by that program without the model, for what decoding and converting cost it. ' +
    'CPU seconds are user and system time of all processes of either, decoders included, without cameras, broker and whoever listens, after 60 s of warm-up for the daemon and 20 s for Python, which compiles nothing; per 1,000 frames looked at, so that each holds 2.5 decoded ones. Decoding is what the decoders of the daemon use, and the Python program without the model; without it, the rest of both is compared. Beyond bare decode and inference is what is left of a frame without the runs of the model and a decoder that writes to nobody, each alone and as often, right after the daemon: relaying, preprocessing, reading objects, following and publishing them. Memory is the proportional set size of all processes (shared pages divided among those that share them) at the end; ' +
    'the daemon runs from a copy of Node of its own, so that nothing outside of it shares its pages. Latency is from the moment the camera wrote a frame to the moment its message reached an MQTT client. `--minutes` is the length of each run.',
  layout: 'grids',
  needs: ['shared-data', 'ffmpeg', 'mosquitto'],
  minutes: 1,
  async run(place) {
    const clip = await clip720p25(place);
    const found = await peerPython(place, 'requirements-live.txt');
    const node = join(place.scratch, 'node');
    await copyFile(process.execPath, node);
    const figures: Figure[] = [];
    const loads = [loadavg()[0] ?? 0];
    const python = 'python' in found ? found.python : undefined;
    for (const count of CAMERAS) {
      figures.push(...(await compare(count, clip, node, python, place)));
      loads.push(loadavg()[0] ?? 0);
    }
    const notes = 'missing' in found ? [`without Python: ${found.missing}`] : [];
    const load = `load average of the machine before, between and after: ${loads.map((each) => each.toFixed(1)).join(', ')}; where it exceeds the processors, compare CPU and memory alone`;
    return { figures, notes: [...notes, load] };
  },
};
