import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { compiledModule } from '../../../core/layout.ts';
import { median } from '../../../core/statistics.ts';
import { aboveFigure, accuracyFigure, PAIRED_NOTE } from '../../harness/accuracy.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { measureModel } from '../../harness/fidelity.ts';
import { PEERS, peerPython } from '../../harness/peers/environment.ts';
import { handImages, type PeerNetwork, peerNetworks } from '../../harness/peers/networks.ts';
import { type ChildRun, runChild } from '../../harness/process/child.ts';
import type { Workplace } from '../../harness/workplace.ts';

/** Both sides in turns: what else the machine does hits them alike. */
const ROUNDS = 3;

interface Network extends PeerNetwork {
  readonly peerMethods: readonly string[];
}

/** The peer uses all codes from -127 to 127; Wayside's default target keeps to 64, one bit less, for processors without VNNI. */
const TARGET = 'x64-vnni';

/** Wayside as the peer works (min-max ranges, nearest codes), and as it works by itself. */
const OURS = [
  { title: 'min-max, nearest', range: 'min-max', rounding: 'nearest' },
  { title: 'as by default', range: 'auto', rounding: 'output' },
] as const;

interface Contestant {
  readonly subject: string;
  readonly out: string;
  run(): Promise<ChildRun>;
}

interface Score {
  readonly top1: number;
  /** Whether each of the test images was answered rightly. */
  readonly right: readonly boolean[];
  readonly seconds: number;
  readonly peakMB: number;
  readonly kilobytes: number;
}

async function networksOf(place: Workplace): Promise<Network[]> {
  const [resnet20, resnet56, squeezenet] = await peerNetworks(place);
  const every = ['MinMax', 'Entropy', 'Percentile'];
  return [
    { ...resnet20, peerMethods: every },
    { ...resnet56, peerMethods: every },
    // The peer's other methods keep every activation of every picture in memory: 6 GB here.
    { ...squeezenet, peerMethods: ['MinMax'] },
  ];
}

function contestantsOf(
  network: Network,
  images: string,
  python: string,
  place: Workplace,
): { ours: Contestant[]; peers: Contestant[] } {
  const { name, model, data, samples, seed, normalize } = network;
  const outOf = (who: string): string => join(place.scratch, `${name}-${who}.onnx`);
  const ours = OURS.map(({ title, range, rounding }) => {
    const out = outOf(`wayside-${range}-${rounding}`);
    const settings = [
      '--range',
      range,
      '--rounding',
      rounding,
      '--target',
      TARGET,
      '--calibration',
      String(samples),
      '--seed',
      String(seed),
      '--normalize',
      normalize,
    ];
    const args = [compiledModule('bench/peers/wayside_quantize'), model, data, out, ...settings];
    return { subject: `${name}, Wayside, ${title}`, out, run: () => runChild(process.execPath, args, place) };
  });
  const peers = network.peerMethods.map((method) => {
    const out = outOf(`peer-${method}`);
    const args = [join(PEERS, 'ort_quantize_static.py'), model, images, out, '--method', method];
    return { subject: `${name}, quantize_static, ${method}`, out, run: () => runChild(python, args, place) };
  });
  return { ours, peers };
}

async function scoresOf(contestants: readonly Contestant[], network: Network, place: Workplace): Promise<Score[]> {
  const runs: ChildRun[][] = contestants.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, contestant] of contestants.entries()) {
      place.say(`${contestant.subject}: round ${round + 1} of ${ROUNDS}`);
      runs[index]?.push(await contestant.run());
    }
  }
  const scores: Score[] = [];
  for (const [index, { out }] of contestants.entries()) {
    const { top1, right } = await measureModel(out, network, place.signal);
    const own = runs[index] ?? [];
    scores.push({
      top1,
      right,
      seconds: median(own.map(({ wallSeconds }) => wallSeconds)),
      peakMB: median(own.map(({ peakBytes }) => peakBytes)) / 1e6,
      kilobytes: (await stat(out)).size / 1000,
    });
  }
  return scores;
}

const plain = (subject: string, { top1, right, seconds, peakMB, kilobytes }: Score): Figure[] => [
  accuracyFigure(subject, { top1, samples: right.length }),
  { subject, measure: 'KB', value: kilobytes, unit: '' },
  { subject, measure: 'time', value: seconds, unit: 's' },
  { subject, measure: 'peak memory', value: peakMB, unit: 'MB' },
];

/** @param costs whether time and memory are held to the peer's: where both do the same work */
function against(subject: string, own: Score, peer: Score, costs: boolean): Figure[] {
  const limit = costs ? { limit: { atMost: 1 } } : {};
  return [
    aboveFigure(subject, 'above the peer', own.right, peer.right),
    { subject, measure: 'time / peer', value: own.seconds / peer.seconds, unit: '', ...limit },
    { subject, measure: 'memory / peer', value: own.peakMB / peer.peakMB, unit: '', ...limit },
  ];
}

/** Wayside at the peer's settings against MinMax, the peer's default; Wayside's own default against the peer's most accurate method. */
async function measure(network: Network, python: string, place: Workplace): Promise<Figure[]> {
  const images = await handImages(network, place);
  const { ours, peers } = contestantsOf(network, images, python, place);
  const all = [...ours, ...peers];
  const scores = await scoresOf(all, network, place);
  const [equal, best, ...peerScores] = scores as [Score, Score, Score, ...Score[]];
  const strongest = peerScores.reduce((a, b) => (b.top1 > a.top1 ? b : a));
  const figures = all.flatMap(({ subject }, index) => plain(subject, scores[index] ?? equal));
  return [
    ...figures,
    ...against(ours[0]?.subject ?? '', equal, peerScores[0] ?? strongest, true),
    ...against(ours[1]?.subject ?? '', best, strongest, false),
  ];
}

export const peerQuantizeStatic: Benchmark = {
  name: 'peer-quantize-static',
  title: "Side by side with ONNX Runtime's own quantize_static",
  method:
    "ONNX Runtime's Python `quantize_static` (after its `quant_pre_process`) and Wayside's exporter make int8 QDQ models of the same float file with the same settings: " +
    'unsigned activations, signed weights with codes from -127 to 127 (`--target x64-vnni`), one scale a channel, the same calibration pictures, preprocessed alike. Both models are then measured by `wayside evaluate`. ' +
    'Time and peak memory are of the whole process that reads, calibrates, quantizes and writes, three runs in turns, medians; photographs are decoded and preprocessed by both, ' +
    'CIFAR-10 is read by the peer as ready tensors. Wayside with the same settings (`min-max` ranges, nearest codes) stands against MinMax, the default of the peer, in accuracy, time and memory; Wayside as it works by default, which lets the covariance of the inputs of a layer choose the codes, against the most accurate of the peer.',
  layout: 'grid',
  needs: ['shared-data', 'python3'],
  async run(place) {
    const peer = await peerPython(place);
    if ('missing' in peer) return { skipped: peer.missing };
    const figures: Figure[] = [];
    for (const network of await networksOf(place)) figures.push(...(await measure(network, peer.python, place)));
    return {
      figures,
      notes: ['SqueezeNet: 128 of the 500 photographs for calibration, measured on all 500', PAIRED_NOTE],
    };
  },
};
