import type { Check } from './check.ts';
import { agentConfiguration } from './checks/agent-configuration.ts';
import { broker } from './checks/broker.ts';
import { camera } from './checks/camera.ts';
import { clock } from './checks/clock.ts';
import { configuration } from './checks/configuration.ts';
import { decoder } from './checks/decoder.ts';
import { descriptors } from './checks/descriptors.ts';
import { disk, wear } from './checks/disk.ts';
import { frameRate } from './checks/frame-rate.ts';
import { memory } from './checks/memory.ts';
import { model } from './checks/model.ts';
import { permissions } from './checks/permissions.ts';
import { repository } from './checks/repository.ts';
import { temperature, throttling } from './checks/temperature.ts';
import { units } from './checks/units.ts';
import { versions } from './checks/versions.ts';

/** Every check, in the order in which they run and are shown: what others depend on first. */
export const CHECKS: readonly Check[] = [
  configuration,
  agentConfiguration,
  versions,
  permissions,
  units,
  descriptors,
  clock,
  temperature,
  throttling,
  memory,
  disk,
  wear,
  decoder,
  model,
  camera,
  frameRate,
  broker,
  repository,
];
