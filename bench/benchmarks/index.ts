import type { Benchmark } from '../harness/benchmark.ts';
import { cameras } from './box/cameras.ts';
import { demo } from './box/demo.ts';
import { install } from './box/install.ts';
import { journal } from './box/journal.ts';
import { recovery } from './box/recovery.ts';
import { rtsp } from './box/rtsp.ts';
import { soak } from './box/soak.ts';
import { thinLink } from './box/thin-link.ts';
import { trial } from './box/trial.ts';
import { cifar } from './cifar.ts';
import { countIntervals } from './count-intervals.ts';
import { counts } from './counts.ts';
import { criteria } from './criteria.ts';
import { gtsrb } from './gtsrb.ts';
import { large } from './large.ts';
import { missAudit } from './miss-audit.ts';
import { motion } from './motion.ts';
import { overTheAir } from './over-the-air.ts';
import { exporters } from './peers/exporters.ts';
import { onnxSuite } from './peers/onnx-suite.ts';
import { peers } from './peers/peers.ts';
import { peerQuantizeStatic } from './peers/quantize-static.ts';
import { tracking } from './peers/tracking.ts';
import { training } from './peers/training.ts';
import { pruneLarge } from './prune-large.ts';
import { qat } from './qat.ts';
import { regions } from './regions.ts';
import { slim } from './slim.ts';
import { squeezenet } from './squeezenet.ts';
import { street } from './street.ts';
import { streetRules } from './street-rules.ts';
import { attacks } from './updates/attacks.ts';
import { powerCuts } from './updates/power-cuts.ts';
import { rollout } from './updates/rollout.ts';
import { updateLink } from './updates/update-link.ts';
import { vgg16 } from './vgg16.ts';
import { yolox } from './yolox.ts';

/** Every benchmark, in the order of the documents. */
export const BENCHMARKS: readonly Benchmark[] = [
  cifar,
  vgg16,
  squeezenet,
  yolox,
  counts,
  street,
  streetRules,
  tracking,
  countIntervals,
  missAudit,
  motion,
  regions,
  criteria,
  ...slim,
  pruneLarge,
  gtsrb,
  qat,
  ...overTheAir,
  peerQuantizeStatic,
  large,
  peers,
  exporters,
  rtsp,
  cameras,
  demo,
  install,
  recovery,
  soak,
  thinLink,
  trial,
  journal,
  rollout,
  powerCuts,
  attacks,
  updateLink,
  training,
  onnxSuite,
];
