import { describe, expect, it } from 'vitest';
import { OtherBoxes } from '../../../contract/mqtt/other-box.ts';

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
const message = (session: string, second: number, more: object = {}): Record<string, unknown> => ({
  session,
  publishedAt: at(second),
  state: 'online',
  bootId: 'theirs',
  ...more,
});

describe('another box of the same name', () => {
  it('is told by its live message', () => {
    const others = new OtherBoxes('ours');
    others.heard(message('x', 0), true, 0);
    expect(others.found(1)).toEqual({ session: 'x', sameMachine: false });
  });

  it('is told by a newer message or last will at another connection, where the two throw each other out', () => {
    const others = new OtherBoxes('theirs');
    others.heard(message('x', 0), false, 0);
    expect(others.found(1)).toBeUndefined();
    others.heard(message('x', 5, { state: 'offline', reasons: [{ code: 'connection-lost' }] }), false, 5000);
    expect(others.found(5001)).toEqual({ session: 'x', sameMachine: true });
  });

  it('is not the run before: its last state, its last will, an older copy of either', () => {
    const others = new OtherBoxes(null);
    others.heard(message('before', 10), false, 0);
    others.heard(message('before', 2, { state: 'offline', reasons: [{ code: 'connection-lost' }] }), true, 1000);
    others.heard(message('before', 4), false, 2000);
    others.heard(message('before', 12, { state: 'offline', reasons: [{ code: 'stopped' }] }), true, 3000);
    expect(others.found(3001)).toBeUndefined();
  });

  it('is gone once it says goodbye, or nothing for long', () => {
    const others = new OtherBoxes(null);
    others.heard(message('x', 0), true, 0);
    expect(others.found(0)?.sameMachine).toBeNull();
    expect(others.found(16 * 60_000)).toBeUndefined();
    others.heard(message('x', 5, { state: 'offline', reasons: [{ code: 'stopped' }] }), true, 5000);
    expect(others.found(5001)).toBeUndefined();
  });

  it('is gone where the broker lost it and it does not come back', () => {
    const others = new OtherBoxes(null);
    others.heard(message('x', 0), true, 0);
    others.heard(message('x', 0, { state: 'offline', reasons: [{ code: 'connection-lost' }] }), true, 5000);
    expect(others.found(60_000)).toBeDefined();
    expect(others.found(96_000)).toBeUndefined();
  });

  it('is no conclusion from what is no state', () => {
    const others = new OtherBoxes(null);
    for (const odd of [
      {},
      { session: 1, publishedAt: 2 },
      { session: 'x' },
      { session: 'x', publishedAt: 'y', reasons: [null] },
    ])
      others.heard(odd, false, 0);
    expect(others.found(1)).toBeUndefined();
  });
});
