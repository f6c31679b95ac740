import { describe, expect, it } from 'vitest';
import { FrameTimes } from '../../../daemon/camera/frame-times.ts';

const NOTHING = (): void => undefined;
const since = (times: FrameTimes): number | null => times.takeNext().sinceFirst;

/** What `metadata=print` writes for frames that all pass the selection. */
const lines = (times: readonly number[]): string =>
  times.map((t, i) => `frame:${i}    pts:0    pts_time:${t}\nall=1\n`).join('');

function read(text: string, frames: number): (number | null)[] {
  let received = 0;
  const times = new FrameTimes({ onReceived: () => received++, onKeyframe: NOTHING });
  for (const char of text) times.pushDescriptor(char);
  expect(received).toBe(frames);
  return Array.from({ length: frames }, () => since(times));
}

describe('frame times', () => {
  it('undo the offset that ffmpeg gives all frames but the first', () => {
    const meant = [0, 0.04, 0.08, 0.12];
    expect(read(lines([0, 0, 0.04, 0.08]), 4), '5.1').toEqual(meant);
    expect(read(lines([0, -0.2, -0.16, -0.12]), 4), '2018').toEqual(meant);
    expect(read(lines(meant), 4), 'a correct one').toEqual(meant);
  });

  it('count frames that were left out as received, and give their times to no image', () => {
    let received = 0;
    const times = new FrameTimes({ onReceived: () => received++, onKeyframe: NOTHING });
    const kinds = ['all', 'all', 'all', 'in', 'in', 'all'];
    const counted = new Map<string, number>();
    for (const [i, kind] of kinds.entries()) {
      const n = counted.get(kind) ?? 0; // each of the two filters counts from 0
      counted.set(kind, n + 1);
      times.pushDescriptor(`frame:${n}    pts:0    pts_time:${i * 0.04}\n${kind}=1\n`);
    }
    const told = [since(times), since(times), since(times), since(times)];
    expect([received, told, times.hasNext, times.restarted]).toEqual([6, [0, 0.04, 0.08, 0.2], false, false]);
  });

  it('are right when frames that were left out are reported before the delivered ones around them', () => {
    const times = new FrameTimes({ onReceived: NOTHING, onKeyframe: NOTHING });
    const reports = [
      [0.04, 'in=1', 0],
      [0, 'all=1', 0],
      [0.08, 'in=1', 1],
      [0.2, 'all=1', 1],
    ] as const;
    for (const [t, kind, n] of reports) times.pushDescriptor(`frame:${n}    pts:0    pts_time:${t}\n${kind}\n`);
    expect([since(times), since(times), times.restarted]).toEqual([0, 0.2, false]);
  });

  it('keep a gap of the stream a gap', () => {
    expect(read(lines([0, 0, 0.04, 5.04]), 4)).toEqual([0, 0.04, 0.08, 5.08]);
  });

  it('are null, not wrong, for a frame whose line did not come, and right again for the next', () => {
    const times = new FrameTimes({ onReceived: NOTHING, onKeyframe: NOTHING });
    times.pushDescriptor(lines([0, 0, 0.04]));
    expect([since(times), since(times), since(times), since(times)]).toEqual([0, 0.04, 0.08, null]);
    times.pushDescriptor('frame:3 pts:0 pts_time:0.08\nall=1\n');
    times.pushDescriptor('frame:4 pts:0 pts_time:0.12\nall=1\n');
    expect(since(times)).toBe(0.16);
  });

  it('are told as the decoder says them, but for the first, which it loses, and keyframes are told besides', () => {
    const received: (number | null)[] = [];
    let keyframes = 0;
    const times = new FrameTimes({ onReceived: (raw) => received.push(raw), onKeyframe: () => keyframes++ });
    times.pushDescriptor('frame:0 pts:0 pts_time:0\nkey=1\n');
    times.pushDescriptor(lines([0, 0, 0.04]));
    times.pushDescriptor('frame:0 pts:NOPTS pts_time:NOPTS\nin=1\n');
    expect(received).toEqual([null, 0, 0.04, Number.NaN]);
    expect(keyframes).toBe(1);
    expect([times.takeNext().raw, times.takeNext().raw, times.takeNext().raw]).toEqual([null, 0, 0.04]);
  });

  it('notice that the filters began anew', () => {
    const times = new FrameTimes({ onReceived: NOTHING, onKeyframe: NOTHING });
    times.pushDescriptor(lines([0, 0, 0.04]));
    expect(times.restarted).toBe(false);
    times.pushDescriptor(lines([0.08]));
    expect(times.restarted).toBe(true);
  });

  it('are found among the talk on stderr of an old ffmpeg, which is kept', () => {
    let received = 0;
    const times = new FrameTimes({ onReceived: () => received++, onKeyframe: NOTHING });
    const shown = (filter: number, t: number): string =>
      `[Parsed_showinfo_${filter} @ 0x40fa7b80] n:   0 pts:      0 pts_time:${t}       pos:       -1 fmt:yuv420p s:320x240\n`;
    const rest = times.pushStderr(`[rtsp @ 0x1] method DESCRIBE failed: 404 Not Found\n${shown(0, 0)}${shown(2, 0)}`);
    expect(rest).toContain('404 Not Found');
    expect(rest).not.toContain('showinfo');
    expect([received, since(times)]).toEqual([1, 0]);
  });
});
