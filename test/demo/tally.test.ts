import { describe, expect, it } from 'vitest';
import { Tally } from '../../demo/tally.ts';

describe('the tally', () => {
  it('counts every region once, contested ones too, and shows both', () => {
    const tally = new Tally();
    tally.add('car', { class: 'car', contested: false });
    tally.add('bus', { class: 'truck', contested: false });
    tally.add('empty', { class: 'pedestrian', contested: true });
    tally.add('sign', { class: 'sign', contested: true });
    const { n, accuracy, clear, contested, classes } = tally.result();
    expect([n, accuracy]).toEqual([4, 0.5]);
    expect(clear).toEqual({ n: 2, accuracy: 0.5 });
    expect(contested).toEqual({ n: 2, accuracy: 0.5 });
    expect(classes.find((own) => own.class === 'truck')).toEqual({ class: 'truck', n: 1, accuracy: 0 });
    expect(classes.find((own) => own.class === 'bus')).toEqual({ class: 'bus', n: 0, accuracy: null });
  });
});
