import { readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import type { Body } from '../contract/messenger.ts';
import type { Digest } from '../core/hash.ts';
import { VERSION } from '../core/layout.ts';
import { instructionSets } from '../inference/hardware/processor.ts';
import type { CameraStatus } from './camera/types.ts';
import type { CameraEntry } from './cameras.ts';
import type { BoxIdentity } from './config/secrets.ts';
import type { Ready } from './inference/protocol.ts';
import { placeBody } from './regions/regions.ts';

const hundredth = (value: number): number => Math.round(value * 100) / 100;

export function cameraStatusBody(status: CameraStatus): Body<'camera-status'> {
  const { id, state, reason, since, fpsIn, fpsAnalysed, received, analysed, dropped, reconnects } = status;
  const { lastFrameAgeMs, lagMs, view } = status;
  return {
    camera: id,
    state,
    reason: reason === undefined ? null : { code: reason.code, message: reason.message },
    since: new Date(since).toISOString(),
    fpsIn: hundredth(fpsIn),
    fpsAnalysed: hundredth(fpsAnalysed),
    received,
    analysed,
    dropped,
    reconnects,
    lastFrameAgeMs: lastFrameAgeMs === null ? null : Math.round(lastFrameAgeMs),
    lagMs: lagMs === null ? null : Math.round(lagMs),
    view,
  };
}

export function infoBody(
  model: Ready | undefined,
  cameras: readonly CameraEntry[],
  configuration: Digest,
  identity: BoxIdentity | undefined,
): Body<'info'> {
  const processors = cpus();
  return {
    software: { wayside: VERSION, node: process.versions.node, onnxRuntime: model?.runtime ?? null },
    model: model?.model ?? null,
    inference: model?.execution ?? null,
    cameras: cameras.map(({ id, config, regions, motionPlaces = [], camera }) => ({
      id,
      rate: config.rate,
      threshold: config.threshold ?? null,
      topK: config.topK,
      regions: [
        ...regions.map(({ name, ...place }) => ({ name, ...placeBody(place) })),
        ...motionPlaces.map(({ name, ...place }) => ({ name, ...placeBody(place), proposals: 'motion' as const })),
      ],
      decoder: camera.status().decoder,
    })),
    identity: identityBody(identity),
    configuration: { digest: configuration },
    hardware: {
      architecture: arch(),
      processor: processors[0]?.model ?? null,
      cores: processors.length,
      memoryBytes: totalmem(),
      kernel: release(),
      instructionSets: [...instructionSets()],
    },
  };
}

function identityBody(identity: BoxIdentity | undefined): Body<'info'>['identity'] {
  if (identity === undefined) return null;
  const { spki, thumbprint } = identity.key.publicKey;
  const { first, links } = identity.chain;
  return { publicKey: spki, thumbprint, first, rotations: [...links] };
}

/** Made anew by the kernel at every boot (random(4)); null where there is none. */
export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
