import type { WriteStream } from 'node:tty';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** Lines that are redrawn in place on a terminal; elsewhere one line whenever it changed. */
export class LiveLines {
  readonly #stream: WriteStream;
  #drawn = 0;
  #line = '';

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  get #live(): boolean {
    return this.#stream.isTTY === true && process.env['TERM'] !== 'dumb';
  }

  readonly #restore = (): void => void this.#stream.write(SHOW_CURSOR);

  draw(lines: readonly string[], plain: string): void {
    if (!this.#live) {
      if (plain !== this.#line) this.#stream.write(`${plain}\n`);
      this.#line = plain;
      return;
    }
    if (this.#drawn === 0) {
      process.once('exit', this.#restore);
      this.#stream.write(HIDE_CURSOR);
    }
    // What does not fit would scroll, and be drawn again below itself.
    const shown = lines.slice(0, Math.max(1, (this.#stream.rows || 24) - 1));
    const up = this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A`;
    this.#stream.write(`${up}\r\u001b[?7l${shown.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J\u001b[?7h`);
    this.#drawn = shown.length;
  }

  end(): void {
    if (this.#drawn === 0) return;
    this.#restore();
    process.off('exit', this.#restore);
  }
}
