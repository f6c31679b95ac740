import type { Progress, ProgressListener } from '../core/progress.ts';
import type { Paint } from '../core/terminal/colour.ts';
import { count, duration } from './format.ts';

/** Where a bar is drawn: stderr, or a stand-in with the same two facts. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Redrawing more often than a person can read only costs time. */
const REDRAW_MS = 100;
/** Where nobody watches a line is for a log: often enough to see that work goes on, seldom enough to keep. */
const LINE_MS = 10_000;
const MOST_CELLS = 24;
const FEWEST_CELLS = 6;

interface Stage {
  readonly name: string;
  readonly startedAt: number;
}

/**
 * Draws the step under way on one line of a terminal: stage, bar, done of total, rate, time left. A stage that ends
 * leaves its line with the time it took. Where stderr is not a terminal, it writes a line about every 10 seconds instead, and
 * nothing of work that is done sooner.
 */
export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #paint: Paint;
  readonly #now: () => number;
  #stage: Stage | undefined;
  #last: Progress | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;
  /** When a line was last written where there is no terminal, or when the work began. */
  #lineAt: number | undefined;

  constructor(terminal: Terminal, paint: Paint, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#paint = paint;
    this.#now = now;
  }

  readonly listen: ProgressListener = (progress) => {
    const now = this.#now();
    if (this.#terminal.isTTY !== true) {
      if (this.#stage?.name !== progress.stage) this.#stage = { name: progress.stage, startedAt: now };
      this.#last = progress;
      this.#writeLine(now);
      return;
    }
    if (this.#stage?.name !== progress.stage) {
      this.#leave(now);
      this.#stage = { name: progress.stage, startedAt: now };
      this.#drawnAt = Number.NEGATIVE_INFINITY;
    }
    this.#last = progress;
    if (now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#terminal.write(`\r\u001b[2K${this.#line(progress, now)}`);
  };

  /** To be called now and then: says that a step which reports nothing itself is still under way. */
  readonly tick = (): void => {
    if (this.#terminal.isTTY !== true) this.#writeLine(this.#now());
  };

  /** Ends the stage under way. `completed` is false when it failed: then its line goes without a trace. */
  end(completed: boolean): void {
    if (this.#terminal.isTTY !== true) this.#lineAt = undefined;
    else if (completed) this.#leave(this.#now());
    else if (this.#stage !== undefined) this.#terminal.write('\r\u001b[2K');
    this.#stage = undefined;
    this.#last = undefined;
  }

  #writeLine(now: number): void {
    this.#lineAt ??= now;
    if (this.#last === undefined || this.#stage === undefined || now - this.#lineAt < LINE_MS) return;
    this.#lineAt = now;
    const { stage, done, total, detail } = this.#last;
    const amount = total === undefined || total <= 0 ? count(done) : `${count(done)}/${count(total)}`;
    const time = duration((now - this.#stage.startedAt) / 1000);
    this.#terminal.write(`${stage} ${amount}, ${time}${detail === undefined ? '' : `, ${detail}`}\n`);
  }

  #leave(now: number): void {
    if (this.#stage === undefined) return;
    const total = this.#last?.total ?? this.#last?.done ?? 0;
    const amount = total > 1 ? ` ${count(total)}` : '';
    const time = this.#paint('dim', duration((now - this.#stage.startedAt) / 1000));
    const detail = this.#last?.detail === undefined ? '' : `, ${this.#last.detail}`;
    this.#terminal.write(`\r\u001b[2K${this.#paint('green', 'done')} ${this.#stage.name}${amount}${detail} ${time}\n`);
  }

  #line({ stage, done, total, detail }: Progress, now: number): string {
    const seconds = (now - (this.#stage?.startedAt ?? now)) / 1000;
    const rate = seconds > 0 ? done / seconds : 0;
    const speed = rate > 0 ? ` ${rate >= 10 ? count(Math.round(rate)) : rate.toFixed(1)}/s` : '';
    // One line of the terminal: a longer one would wrap and could not be redrawn. A pseudo-terminal may say 0 columns.
    const room = (this.#terminal.columns || 80) - 1;
    if (total === undefined || total <= 0) return `${stage} ${count(done)}${speed}`.slice(0, room);
    const left = rate > 0 && done < total ? `, ${duration((total - done) / rate)} left` : '';
    const more = detail === undefined ? left : `, ${detail}`;
    const amount = `${count(done)}/${count(total)}${speed}${more}`;
    const cells = Math.min(MOST_CELLS, room - stage.length - amount.length - 4); // two blanks, two brackets
    if (cells < FEWEST_CELLS) return `${stage} ${amount}`.slice(0, room);
    const filled = Math.round(Math.min(1, done / total) * cells);
    return `${stage} [${'#'.repeat(filled)}${'-'.repeat(cells - filled)}] ${amount}`;
  }
}
