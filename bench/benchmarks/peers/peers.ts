import { agreement, meanDivergence } from '../../../compression/divergence.ts';
import { messageOf } from '../../../core/errors.ts';
import { median } from '../../../core/statistics.ts';
import { aboveFigure, accuracyFigure, PAIRED_NOTE } from '../../harness/accuracy.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { type Measured, measureModel } from '../../harness/fidelity.ts';
import { type InterleavedLatency, interleavedLatencies, pairedRatio } from '../../harness/interleave.ts';
import { type PeerNetwork, peerNetworks } from '../../harness/peers/networks.ts';
import { CLUSTERS, SAME_BITS } from '../../harness/peers/quantizers.ts';
import { type Made, type Pythons, peerPythons, quantizeByAll } from '../../harness/peers/runs.ts';
import type { ChildRun } from '../../harness/process/child.ts';
import type { Workplace } from '../../harness/workplace.ts';

/** What one model file is, and how long it takes. */
interface Known extends Measured {
  readonly latency: InterleavedLatency;
}

interface Scored extends Made {
  readonly known: Known;
}

/** What a model is, whoever made it. @param float the one that it was made of */
function modelFigures(subject: string, known: Known, float: Known): Figure[] {
  const same = agreement(float.answers, known.answers);
  const divergence = meanDivergence(float.answers, known.answers);
  return [
    accuracyFigure(subject, { top1: known.top1, samples: known.right.length }),
    { subject, measure: 'same answer as float', value: same * 100, unit: '%' },
    { subject, measure: 'divergence from float', value: divergence * 1000, unit: 'mnat' },
    { subject, measure: 'KB', value: known.bytes / 1000, unit: '' },
    { subject, measure: 'gzip KB', value: known.gzipBytes / 1000, unit: '' },
    { subject, measure: 'left in float', value: known.float, unit: '' },
    { subject, measure: 'latency', value: known.latency.median, unit: 'ms' },
    { subject, measure: 'faster than float', value: pairedRatio(float.latency, known.latency), unit: 'times' },
  ];
}

const costFigures = (subject: string, runs: readonly ChildRun[]): Figure[] => [
  { subject, measure: 'time', value: median(runs.map(({ wallSeconds }) => wallSeconds)), unit: 's' },
  { subject, measure: 'peak memory', value: median(runs.map(({ peakBytes }) => peakBytes)) / 1e6, unit: 'MB' },
];

/** Against the most accurate of the peers, which is known only afterwards: luck is on its side. */
function againstBest(subject: string, own: Known, peers: readonly Known[]): Figure[] {
  const [first, ...others] = peers;
  if (first === undefined) return [];
  const best = others.reduce((a, b) => (b.top1 > a.top1 ? b : a), first);
  return [aboveFigure(subject, 'above the best peer', own.right, best.right)];
}

async function measure(
  network: PeerNetwork,
  pythons: Pythons,
  note: (text: string) => void,
  place: Workplace,
): Promise<Figure[]> {
  const tried = await quantizeByAll(network, pythons, note, place);
  place.say(`${network.name}: measuring float`);
  const measured: Measured[] = [await measureModel(network.model, network, place.signal)];
  const made: Made[] = [];
  for (const each of tried) {
    place.say(`${network.name}: measuring ${each.quantizer.title}`);
    try {
      measured.push(await measureModel(each.out, network, place.signal));
      made.push(each);
    } catch (error) {
      place.signal.throwIfAborted();
      note(`${network.name}, ${each.quantizer.title}: its model does not run: ${messageOf(error)}`);
    }
  }
  const files = [network.model, ...made.map(({ out }) => out)];
  place.say(`${network.name}: timing`);
  const latencies = await interleavedLatencies(files, network.preprocessing.size);
  const known = measured.map((each, index) => ({ ...each, latency: latencies[index]! }));
  const float = known[0]!;
  const scored: Scored[] = made.map((each, index) => ({ ...each, known: known[index + 1]! }));
  const subjectOf = ({ quantizer }: Scored): string => `${network.name}, ${quantizer.title}`;
  const peers = scored.filter(({ quantizer }) => quantizer.packages !== undefined);
  return [
    ...modelFigures(`${network.name}, float`, float, float),
    ...scored.flatMap((each) => [
      ...modelFigures(subjectOf(each), each.known, float),
      ...costFigures(subjectOf(each), each.runs),
    ]),
    ...scored
      .filter(({ quantizer }) => quantizer.title === SAME_BITS)
      .flatMap((own) =>
        againstBest(
          subjectOf(own),
          own.known,
          peers.map((each) => each.known),
        ),
      ),
  ];
}

export const peers: Benchmark = {
  name: 'peers',
  title: 'Static int8 by Wayside, ONNX Runtime, NNCF and Intel Neural Compressor',
  method:
    'Everyone makes an int8 model of the same float file from the same calibration pictures, preprocessed alike (512 training images of CIFAR-10, 128 photographs), without training. ' +
    `Wayside works as by default (codes of 7 bits, correct on every processor), with all 8 bits (\`--target x64-vnni\`) as the peers do, and with \`--clusters ${CLUSTERS}\`. ` +
    "The peers work with what they decide by themselves (ONNX Runtime's `quantize_static` after its `quant_pre_process`, NNCF's `quantize`, static post-training quantization of Neural Compressor 2.6 and of its successor onnx-neural-compressor), " +
    'and with better settings: unsigned activations and one scale a channel; for NNCF BatchNorm folded first, the mixed preset and the slow bias correction. ' +
    'Versions are pinned in `bench/peers/requirements*.txt`. All models then run in one ONNX Runtime, that of Wayside: accuracy on all test pictures, the share of pictures answered as the float model does, ' +
    'and the mean Kullback-Leibler divergence from its probabilities (0.001 nats), which sees differences that accuracy on a few thousand pictures cannot; convolutions and matrix products left in float; latency of one picture on one thread, all models in turns. ' +
    'Time and peak memory are of the whole process that reads, calibrates, quantizes and writes, medians of three runs in turns.',
  layout: 'grid',
  headlines: [
    {
      subject: 'ResNet56, Wayside, x64-vnni',
      measure: 'divergence from float',
      says: "how far int8 answers stray from the float model's, ResNet56",
      against: {
        subject: 'ResNet56, quantize_static, U8S8 a channel',
        measure: 'divergence from float',
        says: 'best of seven settings of four other quantizers',
      },
    },
  ],
  needs: ['shared-data', 'python3'],
  async run(place) {
    const pythons = await peerPythons(place);
    const figures: Figure[] = [];
    const notes = [
      'SqueezeNet: 128 of the 500 photographs for calibration, measured on all 500',
      'the best peer is the one most accurate on the test pictures, so that luck is on its side',
      PAIRED_NOTE,
      'neural-compressor 3.10 has no ONNX adaptor any more; 2.6 fails with onnx 1.23 (onnx.mapping is gone) and works with 1.16',
      'onnx-neural-compressor 1.0 ends with an AssertionError on nodes without a name, as these files have: they were named for it',
    ];
    const note = (text: string): void => void notes.push(text);
    for (const network of await peerNetworks(place)) figures.push(...(await measure(network, pythons, note, place)));
    return { figures, notes };
  },
};
