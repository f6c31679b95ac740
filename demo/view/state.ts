import type { Board, ObjectNow, RegionNow } from '../board.ts';
import type { Counts } from '../counting/crossing-tally.ts';
import type { Accuracy } from '../tally.ts';

/** One image of the run, as data: what the terminal shows is a function of this alone. */
export interface ViewState {
  readonly camera: { readonly name: string; readonly state: string; readonly reason: string | null };
  readonly box: { readonly state: string; readonly reasons: readonly string[] };
  readonly broker: string;
  /** Address of the page; null: none is served. */
  readonly page: string | null;
  readonly model: { readonly name: string; readonly bytes: number };
  readonly seconds: number;
  readonly frames: number;
  /** Frames after which the run ends; null: at Ctrl-C. */
  readonly wanted: number | null;
  readonly fps: number;
  readonly latency: { readonly p50: number | null; readonly p95: number | null };
  readonly regions: readonly RegionNow[];
  /** Null: the model is no detector. */
  readonly objects: readonly ObjectNow[] | null;
  /** Of a detector on the rendered street, beside its truth. */
  readonly counts: Counts | null;
  readonly accuracy: Accuracy | null;
  readonly cpuPercent: number | null;
  /** Resident bytes of supervisor, inference and decoders; null: not seen. */
  readonly memory: {
    readonly supervisor: number | null;
    readonly inference: number | null;
    readonly decoders: number | null;
  };
}

/** What stays the same through a run. */
export interface Setting {
  readonly cameraName: string;
  readonly brokerName: string;
  readonly page: string | null;
  readonly model: { readonly name: string; readonly bytes: number };
  readonly wanted: number | null;
}

/** @param at ms since 1970; @param startedAt likewise */
export function viewOf(
  board: Board,
  { cameraName, brokerName, page, model, wanted }: Setting,
  startedAt: number,
  at: number,
): ViewState {
  const processes = board.telemetry?.processes;
  return {
    camera: {
      name: cameraName,
      state: board.camera?.state ?? 'starting',
      reason: board.camera?.reason?.message ?? null,
    },
    box: { state: board.state?.state ?? 'starting', reasons: board.state?.reasons.map(({ message }) => message) ?? [] },
    broker: brokerName,
    page,
    model,
    seconds: (at - startedAt) / 1000,
    frames: board.frames,
    wanted,
    fps: board.fps(at),
    latency: { p50: board.latency(0.5), p95: board.latency(0.95) },
    regions: board.regions,
    objects: board.objects,
    counts: board.counts,
    accuracy: board.accuracy,
    cpuPercent: board.telemetry?.cpu.usagePercent ?? null,
    memory: {
      supervisor: processes?.supervisorBytes ?? null,
      inference: processes?.inferenceBytes ?? null,
      decoders: processes?.decodersBytes ?? null,
    },
  };
}
