/** A delivered frame's times, s; null where they are not known. */
export interface FrameTime {
  /** Since the first of the connection. */
  readonly sinceFirst: number | null;
  /** As the decoder says it, with an offset of its own. */
  readonly raw: number | null;
}

interface FrameTimesListeners {
  /**
   * For each frame that the decoder took from the camera.
   *
   * @param raw as the decoder says it, s; NaN where it says none, null for the first frame, whose time is lost
   */
  readonly onReceived: (raw: number | null) => void;
  /** One that needs no other was among them. */
  readonly onKeyframe: () => void;
}

/** Of the beginning of a line that goes on. */
const LONGEST_LINE = 4096;

export const UNKNOWN_TIME: FrameTime = { sinceFirst: null, raw: null };

/** Reads the lines by which a decoder tells the time of each frame, before and after the selection. */
export class FrameTimes {
  readonly #listeners: FrameTimesListeners;
  #partial = '';
  #pending = Number.NaN;
  #isFirst = false;
  #restarted = false;
  /** The first frame was reported. It is always delivered. */
  #begun = false;
  /** Raw times of the second and third frame. */
  #later: readonly number[] = [];
  #delivered: number[] = [];
  #taken = 0;
  #missed = 0;

  constructor(listeners: FrameTimesListeners) {
    this.#listeners = listeners;
  }

  /** The filters began anew, as they do when the camera changes its resolution. */
  get restarted(): boolean {
    return this.#restarted;
  }

  /** Text of descriptor 3: `frame:N pts:N pts_time:S`, then `in=1` (received, left out), `all=1` (received and delivered) or `key=1`. */
  pushDescriptor(text: string): void {
    const all = this.#partial + text;
    let from = 0;
    for (let end = all.indexOf('\n'); end >= 0; end = all.indexOf('\n', from)) {
      this.#readReport(all.slice(from, end));
      from = end + 1;
    }
    this.#partial = all.slice(from).slice(-LONGEST_LINE);
  }

  #readReport(line: string): void {
    if (line.startsWith('frame:')) {
      this.#isFirst = line.startsWith('frame:0 ');
      this.#pending = timeIn(line);
    } else if (line === 'all=1') {
      // Only here: those left out are counted by themselves.
      if (this.#isFirst && this.#begun) this.#restarted = true;
      this.#received(this.#pending, !this.#begun);
      this.#begun = true;
      this.#passed(this.#pending);
    } else if (line === 'in=1') this.#received(this.#pending, false);
    else if (line === 'key=1') this.#listeners.onKeyframe();
  }

  /** Lines of stderr: `[Parsed_showinfo_0 @ ...] n: 0 pts: 0 pts_time:0 ...`; answers the ones that are something else. */
  pushStderr(text: string): string {
    const others: string[] = [];
    for (const line of this.#lines(text)) {
      const shown = /^\[Parsed_showinfo_(\d+) @ [^\]]*\] n: *\d+ pts:.*?pts_time:(\S+)/.exec(line);
      if (shown === null) others.push(line);
      else if (shown[1] === '0') {
        this.#received(Number(shown[2]), !this.#begun);
        this.#begun = true;
        if (/ iskey:1\b/.test(line)) this.#listeners.onKeyframe();
      } else this.#passed(Number(shown[2]));
    }
    return others.filter((line) => !line.includes('Parsed_showinfo')).join('\n');
  }

  /** The time of the next delivered frame is known, if only as unknowable. */
  get hasNext(): boolean {
    return this.#delivered.length > 0;
  }

  /**
   * Time of the next delivered frame in seconds since the first of the connection, or null.
   *
   * FFmpeg loses the time of the very first packet of an RTSP stream and puts 0, and shifts all others by an offset of its own (one frame in
   * 5.1, minus five in 2018). From the third frame on the distance of the second and third gives the offset back, exactly where the
   * camera's rate is constant; the second frame's own time is not told, since that would mean to wait for the third.
   */
  takeNext(): FrameTime {
    const raw = this.#delivered.shift();
    const index = this.#taken++;
    if (index === 0) return { sinceFirst: 0, raw: null };
    const [second, third] = this.#later;
    if (raw === undefined) {
      this.#missed++; // its line, should it still come, is not the next frame's
      return UNKNOWN_TIME;
    }
    if (second === undefined || third === undefined) return { sinceFirst: null, raw };
    const since = raw - (second - (third - second));
    return { sinceFirst: Number.isFinite(since) ? Math.round(since * 1e6) / 1e6 : null, raw };
  }

  /** A frame that is left out may be reported before a delivered one that came before it: the first few enter the filters together. */
  #received(time: number, first: boolean): void {
    if (!first && this.#later.length < 2) this.#later = [...this.#later, time].sort((a, b) => a - b);
    this.#listeners.onReceived(first ? null : time);
  }

  #passed(time: number): void {
    if (this.#missed > 0) this.#missed--;
    else this.#delivered.push(time);
  }

  #lines(text: string): string[] {
    const lines = (this.#partial + text).split('\n');
    this.#partial = (lines.pop() ?? '').slice(-LONGEST_LINE);
    return lines.map((line) => line.trimEnd());
  }
}

const KEY = 'pts_time:';

/** NaN where the line says no number. With every frame comes one: an expression to match takes twice as long. */
function timeIn(line: string): number {
  const at = line.indexOf(KEY);
  return at < 0 ? Number.NaN : Number.parseFloat(line.slice(at + KEY.length));
}
