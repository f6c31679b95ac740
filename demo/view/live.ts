import type { WriteStream } from 'node:tty';
import { paintFor } from '../../core/terminal/colour.ts';
import { plainLine, screen } from './screen.ts';
import type { ViewState } from './state.ts';

export interface LiveView {
  /** Leaves the last image on the screen and gives the cursor back. */
  end(): void;
}

const REDRAW_MS = 100;
const PLAIN_MS = 3000;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** Redrawn in place on a terminal, a line every few seconds otherwise; no colours with NO_COLOR (no-color.org). */
export function startLiveView(
  stream: WriteStream,
  state: () => ViewState,
  environment: NodeJS.ProcessEnv = process.env,
): LiveView {
  if (stream.isTTY !== true || environment['TERM'] === 'dumb') {
    const timer = setInterval(() => stream.write(`${plainLine(state())}\n`), PLAIN_MS);
    return { end: () => clearInterval(timer) };
  }
  const paint = paintFor(stream, environment);
  let drawn = 0;
  // A pseudo-terminal without a size calls itself 0 by 0.
  const draw = (): void => {
    const lines = screen(state(), stream.columns || 80, paint).slice(0, Math.max(1, (stream.rows || 24) - 1));
    const up = drawn === 0 ? '' : `\u001b[${drawn}A`;
    // Each line is cleared to its end, and what an earlier, longer image left below.
    stream.write(`${up}\r${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    drawn = lines.length;
  };
  const restore = (): void => void stream.write(SHOW_CURSOR);
  process.once('exit', restore);
  stream.write(HIDE_CURSOR);
  draw();
  const timer = setInterval(draw, REDRAW_MS);
  return {
    end() {
      clearInterval(timer);
      draw();
      restore();
      process.off('exit', restore);
    },
  };
}
