import {
  DEFAULT_BACKOFF,
  DEFAULT_CONNECT_MS,
  DEFAULT_FIRST_FRAME_MS,
  DEFAULT_STALL_MS,
  type Policy,
} from './lifecycle.ts';
import type { CameraOptions } from './types.ts';

/** What a camera's options, and what stands for those it lacks, allow its decoders. */
export function policyOf(options: CameraOptions): Policy {
  const { stallMs = DEFAULT_STALL_MS, connectMs = DEFAULT_CONNECT_MS, backoff } = options;
  const firstFrameMs = options.firstFrameMs ?? connectMs + DEFAULT_FIRST_FRAME_MS;
  return { stallMs, firstFrameMs, backoff: { ...DEFAULT_BACKOFF, ...backoff } };
}
