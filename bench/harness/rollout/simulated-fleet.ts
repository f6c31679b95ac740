import { setTimeout as delay } from 'node:timers/promises';
import { type ForkedModule, forkModule } from '../../../core/child.ts';
import { WaysideError } from '../../../core/errors.ts';
import type { BoxCount, BoxQuestion, FleetPart } from './box-process.ts';

/** The boxes of a site in processes of their own, so that what the office costs is the office's. */
export class SimulatedFleet {
  readonly #parts: readonly ForkedModule<BoxQuestion, BoxCount>[];

  private constructor(parts: readonly ForkedModule<BoxQuestion, BoxCount>[]) {
    this.#parts = parts;
  }

  /** @returns when every box is connected */
  static async start(
    options: Omit<FleetPart, 'from' | 'to'> & { readonly boxes: number; readonly processes: number },
    signal: AbortSignal,
  ): Promise<SimulatedFleet> {
    const { boxes, processes, ...part } = options;
    const lost = (how: string): WaysideError => new WaysideError('INTERNAL', { message: `simulated boxes ${how}` });
    const parts = Array.from({ length: processes }, () =>
      forkModule<BoxQuestion, BoxCount>('bench/harness/rollout/box-process', { lost, signal }),
    );
    const bound = (index: number): number => Math.floor((boxes * index) / processes);
    await Promise.all(
      parts.map(({ ask }, index) => ask({ start: { ...part, from: bound(index), to: bound(index + 1) } })),
    );
    const fleet = new SimulatedFleet(parts);
    for (;;) {
      const { connections } = await fleet.count('');
      if (connections >= boxes) return fleet;
      signal.throwIfAborted();
      await delay(200);
    }
  }

  async count(version: string): Promise<BoxCount> {
    const counts = await Promise.all(this.#parts.map(({ ask }) => ask({ count: version })));
    return counts.reduce((a, b) => ({
      connections: a.connections + b.connections,
      running: a.running + b.running,
      tried: a.tried + b.tried,
      heard: a.heard + b.heard,
      replayed: a.replayed + b.replayed,
      cpuSeconds: a.cpuSeconds + b.cpuSeconds,
      memoryBytes: a.memoryBytes + b.memoryBytes,
    }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#parts.map(({ end }) => end(2000)));
  }
}
