import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatestFrame } from '../../../daemon/camera/latest-frame.ts';
import type { Frame } from '../../../daemon/camera/types.ts';

const frame = (sequence: number, data: Uint8Array): Frame => ({
  width: 1,
  height: 1,
  data,
  sequence,
  connection: 0,
  capturedAt: 0,
  capturedAtWall: 0,
  lagMs: null,
  ptsSeconds: null,
});

describe('the newest-frame latest', () => {
  it('accounts for every frame, gives the newest, and never writes to a frame that was taken', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (puts) => {
        const latest = new LatestFrame();
        const taken: Frame[] = [];
        let waiting = 0;
        let sequence = 0;
        for (const put of puts) {
          if (put) {
            const data = latest.allocate(3).fill(sequence);
            latest.put(frame(sequence++, data));
            waiting = 1;
          } else {
            const got = latest.take();
            expect(got?.sequence).toBe(waiting === 1 ? sequence - 1 : undefined);
            if (got !== undefined) taken.push(got);
            waiting = 0;
          }
          expect(latest.delivered).toBe(latest.taken + latest.dropped + waiting);
        }
        for (const { sequence: expected, data } of taken) expect([...data]).toEqual([expected, expected, expected]);
      }),
    );
  });

  it('fills dropped frames again instead of asking for new memory', () => {
    const latest = new LatestFrame();
    const buffers = new Set<ArrayBufferLike>();
    for (let i = 0; i < 100; i++) {
      const data = latest.allocate(300);
      buffers.add(data.buffer);
      latest.put(frame(i, data));
    }
    expect(buffers.size).toBeLessThanOrEqual(3);
  });

  it('fills the memory of taken frames again once it was given back, and never before', () => {
    const latest = new LatestFrame();
    const buffers = new Set<ArrayBufferLike>();
    let held: Uint8Array | undefined;
    for (let i = 0; i < 100; i++) {
      const data = latest.allocate(300);
      expect(data.buffer).not.toBe(held?.buffer);
      buffers.add(data.buffer);
      latest.put(frame(i, data));
      const taken = latest.take();
      if (held !== undefined) latest.giveBack(held);
      held = taken?.data;
    }
    expect(buffers.size).toBeLessThanOrEqual(3);
  });

  it('never hands out memory of another size', () => {
    const latest = new LatestFrame();
    for (const bytes of [300, 300, 300, 30, 30, 3000]) {
      const data = latest.allocate(bytes);
      expect(data.length).toBe(bytes);
      latest.put(frame(0, data));
    }
  });
});
