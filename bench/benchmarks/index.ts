import type { Benchmark } from '../harness/benchmark.ts';
import { cifar } from './cifar.ts';
import { criteria } from './criteria.ts';
import { demo } from './demo.ts';
import { exporters } from './exporters.ts';
import { gtsrb } from './gtsrb.ts';
import { large } from './large.ts';
import { onnxSuite } from './onnx-suite.ts';
import { peerQuantizeStatic } from './peer-quantize-static.ts';
import { peers } from './peers.ts';
import { pruneLarge } from './prune-large.ts';
import { qat } from './qat.ts';
import { recovery } from './recovery.ts';
import { rtsp } from './rtsp.ts';
import { slim } from './slim.ts';
import { soak } from './soak.ts';
import { squeezenet } from './squeezenet.ts';
import { thinLink } from './thin-link.ts';
import { training } from './training.ts';
import { vgg16 } from './vgg16.ts';
import { yolox } from './yolox.ts';

/** Every benchmark, in the order of the documents. */
export const BENCHMARKS: readonly Benchmark[] = [
  cifar,
  vgg16,
  squeezenet,
  yolox,
  criteria,
  ...slim,
  pruneLarge,
  gtsrb,
  qat,
  peerQuantizeStatic,
  large,
  peers,
  exporters,
  rtsp,
  demo,
  recovery,
  soak,
  thinLink,
  training,
  onnxSuite,
];
