import { join } from 'node:path';
import { writeModel } from '../../onnx/file/write.ts';
import type { Benchmark, Figure } from '../harness/benchmark.ts';
import { cifar10Folder } from '../harness/data.ts';
import { interleavedLatencies, pairedRatio } from '../harness/interleave.ts';
import { describeMachine, hasInt8DotProduct } from '../harness/machine.ts';
import { type CompressReport, waysideCompress } from '../harness/process/child.ts';
import { buildVgg16 } from '../networks/vgg16.ts';

const SEED = 16;
const CLUSTERS = 16;
const CALIBRATION = 64;

export const vgg16: Benchmark = {
  name: 'vgg16',
  title: 'A VGG16-shaped network at 32x32: speed and size',
  method:
    'A network of the shape of VGG16 for 32x32 pictures with seeded random weights, compressed by `wayside compress` with and without ' +
    `\`--clusters ${CLUSTERS}\`. The three models then run in turns in one process, one thread, 40 rounds of 15 runs; latencies are medians, ` +
    'and a ratio is the median of the ratios within each round. The limit on speed holds for processors with an int8 dot product (VNNI).',
  layout: 'list',
  needs: ['shared-data'],
  async run(place) {
    const model = join(place.scratch, 'vgg16.onnx');
    await writeModel(buildVgg16(SEED), model);
    const common = [
      model,
      '--data',
      `cifar10:${await cifar10Folder(place)}`,
      '--calibration',
      String(CALIBRATION),
      '--limit',
      '100',
    ];
    const compress = (name: string, ...more: string[]): Promise<CompressReport> => {
      place.say(`compressing to ${name}`);
      return waysideCompress([...common, '--out', join(place.scratch, name), ...more], place);
    };
    const int8 = await compress('int8');
    const clustered = await compress('clustered', '--clusters', String(CLUSTERS));

    place.say('timing');
    const modelOf = ({ package: folder }: CompressReport): string => join(folder, 'model.onnx');
    const times = await interleavedLatencies([model, modelOf(int8), modelOf(clustered)], [32, 32]);
    const [floatTime, int8Time, clusteredTime] = times as [(typeof times)[0], (typeof times)[0], (typeof times)[0]];
    const fast = hasInt8DotProduct(await describeMachine());

    const figures: Figure[] = [
      { subject: 'VGG16-shaped, float', measure: 'latency', value: floatTime.median, unit: 'ms' },
      { subject: 'VGG16-shaped, int8', measure: 'latency', value: int8Time.median, unit: 'ms' },
      {
        subject: `VGG16-shaped, int8 + ${CLUSTERS} clusters`,
        measure: 'latency',
        value: clusteredTime.median,
        unit: 'ms',
      },
      {
        subject: 'VGG16-shaped, int8',
        measure: 'faster than float',
        value: pairedRatio(floatTime, int8Time),
        unit: 'times',
        ...(fast ? { limit: { atLeast: 3 } } : {}),
      },
      {
        subject: `VGG16-shaped, int8 + ${CLUSTERS} clusters`,
        measure: 'slower than int8',
        value: (pairedRatio(clusteredTime, int8Time) - 1) * 100,
        unit: '%',
        limit: { atMost: 5 },
      },
      { subject: 'VGG16-shaped, float', measure: 'file', value: int8.baseline.bytes / 1e6, unit: 'MB' },
      { subject: 'VGG16-shaped, int8', measure: 'file', value: int8.candidate.bytes / 1e6, unit: 'MB' },
      {
        subject: `VGG16-shaped, int8 + ${CLUSTERS} clusters`,
        measure: 'file',
        value: clustered.candidate.bytes / 1e6,
        unit: 'MB',
      },
      {
        subject: `VGG16-shaped, int8 + ${CLUSTERS} clusters`,
        measure: 'smaller than float',
        value: clustered.baseline.bytes / clustered.candidate.bytes,
        unit: 'times',
        limit: { atLeast: 7.8 },
      },
      {
        subject: `VGG16-shaped, int8 + ${CLUSTERS} clusters`,
        measure: 'convolutions and matrix products left in float',
        value: clustered.fused.float.length,
        unit: '',
        limit: { atMost: 0 },
      },
    ];
    const notes = fast ? [] : ['this processor has no int8 dot product: the limit on speed does not apply'];
    return { figures, notes };
  },
};
