import { kindOf, readMessage } from '../../contract/messages/heard.ts';
import type { ModelReportMessage } from '../../contract/messages/model-report.ts';
import type { HeardBox } from './boxes.ts';

const ROOT_LEVELS = 4;

/** The boxes of a site, as their agents report. */
export class Fleet {
  readonly #boxes = new Map<string, HeardBox>();
  /** Reports that break the contract, by box: it is told, not hidden. */
  readonly unreadable = new Map<string, string>();
  /** Reports that came, and their bytes: what a fleet costs a broker. */
  reports = 0;
  bytes = 0;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  get boxes(): IterableIterator<HeardBox> {
    return this.#boxes.values();
  }

  get size(): number {
    return this.#boxes.size;
  }

  /** Highest job that any box has seen. */
  get highestJob(): number {
    let highest = 0;
    for (const { report } of this.#boxes.values()) highest = Math.max(highest, report.job);
    return highest;
  }

  /** @returns whether it says something new */
  hear(topic: string, payload: Buffer): boolean {
    const id = topic.split('/')[ROOT_LEVELS - 1];
    if (id === undefined || id.startsWith('_') || kindOf(topic)?.kind !== 'model-report') return false;
    this.reports++;
    this.bytes += payload.length;
    try {
      const report = readMessage('model-report', payload);
      if (report === undefined) return this.#boxes.delete(id);
      this.unreadable.delete(id);
      return this.#hear(id, report);
    } catch (cause) {
      this.unreadable.set(id, cause instanceof Error ? cause.message : String(cause));
      return false;
    }
  }

  #hear(id: string, report: ModelReportMessage): boolean {
    const before = this.#boxes.get(id);
    // Brokers may deliver twice, and out of order over two filters: within a session numbers rise.
    if (before?.report.session === report.session && before.report.seq >= report.seq) return false;
    const moved = before === undefined || hasMoved(before.report, report);
    const now = this.#now();
    this.#boxes.set(id, { id, report, heardAt: now, movedAt: moved ? now : before.movedAt });
    return moved;
  }
}

const hasMoved = (before: ModelReportMessage, after: ModelReportMessage): boolean =>
  before.job !== after.job ||
  before.state !== after.state ||
  before.progress !== after.progress ||
  before.served !== after.served ||
  before.running?.version !== after.running?.version;
