import { describe, expect, it } from 'vitest';
import { JournalHeard } from '../../bench/harness/soak/centre.ts';
import { RECOVERED_WITHIN_S, Recoveries } from '../../bench/harness/soak/recoveries.ts';

/** Two cameras that are seen, and what is heard of them, in seconds. */
function twoCameras() {
  const recoveries = new Recoveries(['a', 'b']);
  const frame = (camera: string, captured: number, { connection = 1, version = '2', heard = captured } = {}) =>
    recoveries.detections(
      { camera, capturedAt: new Date(captured * 1000).toISOString(), model: { version }, frame: { connection } },
      heard * 1000,
    );
  for (const camera of ['a', 'b']) {
    recoveries.status({ camera, state: 'live' });
    frame(camera, 0);
  }
  return { recoveries, frame };
}

describe('recovered', () => {
  it('is when a frame captured after the fault was analysed and the camera is said to be live', () => {
    const { recoveries, frame } = twoCameras();
    const { end } = recoveries.begin('frozen', ['a'], {});
    frame('a', 5);
    end(10_000);
    frame('a', 9, { heard: 11 });
    recoveries.status({ camera: 'a', state: 'stalled' });
    frame('a', 12);
    frame('b', 12);
    expect(recoveries.recovered).toEqual([]);
    recoveries.status({ camera: 'a', state: 'live' });
    frame('a', 13, { heard: 13.5 });
    expect(recoveries.recovered).toEqual([{ fault: 'frozen', seconds: 3.5 }]);
    expect(recoveries.waiting).toBe(0);
  });

  it('takes every camera that was concerned, and is as late as the last of them', () => {
    const { recoveries, frame } = twoCameras();
    recoveries.begin('broker killed', ['a', 'b'], {}).end(10_000);
    frame('a', 11);
    expect(recoveries.waiting).toBe(1);
    frame('b', 14);
    expect(recoveries.recovered).toEqual([{ fault: 'broker killed', seconds: 4 }]);
  });

  it('counts from the end of the last fault in the way of the same camera', () => {
    const { recoveries, frame } = twoCameras();
    recoveries.begin('mute', ['a'], {}).end(10_000);
    const other = recoveries.begin('broker killed', ['a', 'b'], {});
    frame('a', 12);
    expect(recoveries.recovered).toEqual([]);
    other.end(20_000);
    frame('a', 21);
    frame('b', 22);
    expect(recoveries.recovered).toEqual([
      { fault: 'mute', seconds: 1 },
      { fault: 'broker killed', seconds: 2 },
    ]);
  });

  it('charges a camera that is away to its own fault, and to the first that took it otherwise', () => {
    const { recoveries, frame } = twoCameras();
    const off = recoveries.begin('camera off', ['a'], {});
    recoveries.begin('inference killed', ['a', 'b'], {}).end(10_000);
    frame('b', 11);
    expect(recoveries.recovered).toEqual([{ fault: 'inference killed', seconds: 1 }]);
    off.end(12_000);
    expect(recoveries.isUndisturbed('a')).toBe(false);
    recoveries.begin('broker killed', ['a', 'b'], {}).end(20_000);
    recoveries.begin('broker cut off', ['a', 'b'], {}).end(21_000);
    expect(recoveries.isUndisturbed('b')).toBe(true);
    frame('b', 22);
    frame('a', 25);
    expect(recoveries.recovered.slice(1)).toEqual([
      { fault: 'broker killed', seconds: 1 },
      { fault: 'camera off', seconds: 4 },
      { fault: 'broker cut off', seconds: 4 },
    ]);
    expect(recoveries.isUndisturbed('a')).toBe(true);
  });

  it('asks for another connection, or for the model that is wanted by now', () => {
    const { recoveries, frame } = twoCameras();
    let model = '3';
    recoveries.begin('decoder killed', ['a'], { renewed: true }).end(10_000);
    recoveries.begin('model changed', ['b'], { model: () => model }).end(10_000);
    frame('a', 11);
    frame('b', 11);
    expect(recoveries.recovered).toEqual([]);
    frame('a', 12, { connection: 2 });
    model = '2';
    frame('b', 13, { version: '2' });
    expect(recoveries.recovered).toEqual([
      { fault: 'decoder killed', seconds: 2 },
      { fault: 'model changed', seconds: 3 },
    ]);
  });

  it('is not what takes more than its time undisturbed; a fault that did not happen leaves no trace', () => {
    const { recoveries, frame } = twoCameras();
    recoveries.begin('camera off', ['a'], {}).end(10_000);
    recoveries.begin('decoder killed', ['b'], {}).cancel();
    frame('b', 11);
    expect(recoveries.isUndisturbed('b')).toBe(true);
    const late = 10_000 + RECOVERED_WITHIN_S * 1000 + 1;
    const disturbing = recoveries.begin('broker killed', ['a'], {});
    recoveries.check(late);
    expect(recoveries.lost).toEqual([]);
    disturbing.cancel();
    recoveries.check(late - 1);
    expect(recoveries.lost).toEqual([]);
    recoveries.check(late);
    expect(recoveries.lost).toEqual([expect.stringContaining('camera off')]);
    expect(recoveries).toMatchObject({ waiting: 0, recovered: [] });
  });
});

describe('what arrived of a journal', () => {
  it('is told by number: what is missing, what a gap names, what came twice', () => {
    const journal = new JournalHeard();
    for (const [id, journalSeq] of [
      ['a', 1],
      ['b', 2],
      ['b', 2],
      ['c', 6],
      ['d', 6],
      ['f', 9],
    ] as const)
      journal.hear({ id, journalSeq });
    journal.hear({ id: 'e', journalSeq: 7 }, { from: 2, to: 4 });
    expect(journal.upTo(7)).toEqual({ messages: 4, duplicates: 1, missing: [5], givenUp: 2, givenTwice: 1 });
    expect(journal.has('c')).toBe(true);
    expect(journal.has('g')).toBe(false);
  });
});
