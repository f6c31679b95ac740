import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { compiledModule } from '../../core/layout.ts';
import { defaultPreprocessing } from '../../inference/default-preprocessing.ts';
import { parseNormalization } from '../../inference/normalization.ts';
import { readModel } from '../../onnx/file/read.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { elementCount } from '../../onnx/tensor.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { PEERS, peerPython } from '../harness/peers/environment.ts';
import { handImages, type PeerNetwork, peerNetworks } from '../harness/peers/networks.ts';
import { type ChildRun, runChild } from '../harness/process/child.ts';
import { waitedSeconds } from '../harness/process/tree.ts';
import type { Workplace } from '../harness/workplace.ts';
import { buildResNet50 } from '../networks/resnet50.ts';
import { buildVgg16ForPhotographs } from '../networks/vgg16-photographs.ts';

const SEED = 1;
/** As the peer uses: all codes from -127 to 127. */
const TARGET = 'x64-vnni';

/** What each way of rounding may cost, as a share of the peer's. Small networks are shown, not held: they take seconds. */
const OURS = [
  { title: 'nearest', range: 'min-max', rounding: 'nearest', cpu: 1, memory: 1 },
  { title: 'by default', range: 'auto', rounding: 'output', cpu: 3, memory: 1.3 },
] as const;

interface Network extends PeerNetwork {
  readonly held: boolean;
}

const GENERATED = [
  { name: 'ResNet50', samples: 64, build: buildResNet50 },
  { name: 'VGG16', samples: 32, build: buildVgg16ForPhotographs },
] as const;

async function networksOf(place: Workplace): Promise<Network[]> {
  const small = (await peerNetworks(place)).map((network) => ({ ...network, held: false }));
  const large: Network[] = [];
  for (const { name, samples, build } of GENERATED) {
    const model = join(place.cache, `${name.toLowerCase()}-224-random.onnx`);
    await access(model).catch(async () => {
      place.say(`${name}: generating weights (once)`);
      await writeModel(build(SEED), model);
    });
    large.push({
      name,
      model,
      data: `images:${join(place.data, 'imagenet-sample')}`,
      normalize: 'imagenet',
      preprocessing: defaultPreprocessing(['N', 3, 224, 224], { normalize: parseNormalization('imagenet') }),
      samples,
      seed: SEED,
      held: true,
    });
  }
  return [...small, ...large];
}

interface Cost {
  readonly cpuSeconds: number;
  readonly peakMB: number;
}

async function costOf(subject: string, place: Workplace, run: () => Promise<ChildRun>): Promise<Cost> {
  place.say(subject);
  const before = await waitedSeconds();
  const { peakBytes } = await run();
  return { cpuSeconds: (await waitedSeconds()) - before, peakMB: peakBytes / 1e6 };
}

const plain = (subject: string, { cpuSeconds, peakMB }: Cost): Figure[] => [
  { subject, measure: 'CPU time', value: cpuSeconds, unit: 's' },
  { subject, measure: 'peak memory', value: peakMB, unit: 'MB' },
];

async function measure(network: Network, python: string, place: Workplace): Promise<Figure[]> {
  const { name, model, data, samples, seed, normalize, held } = network;
  const { graph } = await readModel(model);
  const weights = [...graph.initializers.values()].reduce((sum, { dims }) => sum + elementCount(dims), 0);
  const images = await handImages(network, place);
  const outOf = (who: string): string => join(place.scratch, `${name}-${who}.onnx`);
  const peerName = `${name}, quantize_static`;
  const peer = await costOf(peerName, place, () =>
    runChild(python, [join(PEERS, 'ort_quantize_static.py'), model, images, outOf('peer')], place),
  );
  const figures: Figure[] = [
    { subject: peerName, measure: 'weights', value: weights / 1e6, unit: 'million' },
    ...plain(peerName, peer),
  ];
  for (const { title, range, rounding, cpu, memory } of OURS) {
    const subject = `${name}, Wayside, ${title}`;
    const settings = ['--range', range, '--rounding', rounding, '--target', TARGET, '--normalize', normalize];
    const draw = ['--calibration', String(samples), '--seed', String(seed)];
    const args = [compiledModule('bench/peers/wayside_quantize'), model, data, outOf(rounding), ...settings, ...draw];
    const own = await costOf(subject, place, () => runChild(process.execPath, args, place));
    const limit = (atMost: number) => (held ? { limit: { atMost } } : {});
    figures.push(
      ...plain(subject, own),
      { subject, measure: 'CPU / peer', value: own.cpuSeconds / peer.cpuSeconds, unit: '', ...limit(cpu) },
      { subject, measure: 'memory / peer', value: own.peakMB / peer.peakMB, unit: '', ...limit(memory) },
    );
  }
  return figures;
}

export const large: Benchmark = {
  name: 'large',
  title: 'What quantizing costs, from ResNet20 to VGG16 for photographs',
  method:
    "ONNX Runtime's Python `quantize_static` (after its `quant_pre_process`) and Wayside's exporter make int8 QDQ models of the same float file with the same calibration images, as in the comparison " +
    'above. CPU time is user and system time of the process that reads, calibrates, quantizes and writes, with its children; peak memory is the highest resident size of it and its children together. ' +
    'One run each, one after the other. ResNet50 (224x224, 64 photographs) and VGG16 (224x224, with its three matrix products, 32 photographs) have random weights with statistics like those of trained ones: ' +
    'cost does not depend on what they say. Held to the limits are the two large ones; the small ones are shown.',
  layout: 'grid',
  needs: ['shared-data', 'python3'],
  async run(place) {
    const peer = await peerPython(place);
    if ('missing' in peer) return { skipped: peer.missing };
    const figures: Figure[] = [];
    for (const network of await networksOf(place)) figures.push(...(await measure(network, peer.python, place)));
    return {
      figures,
      notes: [
        'nearest: `--rounding nearest`, min-max ranges; by default: codes by what the output of their layer loses, ranges by the answers',
      ],
    };
  },
};
