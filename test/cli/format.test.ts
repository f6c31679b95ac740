import { describe, expect, it } from 'vitest';
import { bytes, count, duration, milliseconds, percent, points, prefixed, ratio } from '../../cli/format.ts';
import { table } from '../../cli/table.ts';
import { wantsColour } from '../../core/terminal/colour.ts';

describe('figures for a person', () => {
  it('carry their unit and three digits or so', () => {
    expect([999, 1000, 1_094_513, 58_900_000, 999_600].map(bytes)).toEqual([
      '999 B',
      '1.00 kB',
      '1.09 MB',
      '58.9 MB',
      '1.00 MB',
    ]);
    expect([12, 40_560_000, 1_816_000_000].map(prefixed)).toEqual(['12', '40.6 M', '1.8 G']);
    expect([0.456, 12.34, 456.7].map(milliseconds)).toEqual(['0.46 ms', '12.3 ms', '457 ms']);
    expect([0.84, 42, 125, 3725].map(duration)).toEqual(['0.8 s', '42 s', '2 min 05 s', '1 h 02 min']);
    expect(count(268_336)).toBe('268,336');
    expect(percent(0.91734)).toBe('91.73 %');
  });

  it('say changes in points and in times, the right way round', () => {
    expect(points(0.9173, 0.912)).toBe('-0.53 points');
    expect(points(0.91, 0.9123)).toBe('+0.23 points');
    expect(points(0.91, 0.91)).toBe('0.00 points');
    expect(ratio(10_000, 1500, 'smaller', 'larger')).toBe('6.7 times smaller');
    expect(ratio(2, 3, 'faster', 'slower')).toBe('1.5 times slower');
    expect(ratio(2, 2, 'faster', 'slower')).toBe('same');
  });
});

describe('a table', () => {
  it('aligns columns and ends no line in spaces', () => {
    const text = table(
      [
        ['', 'float', 'int8'],
        ['size', '1.09 MB', '0.3 MB'],
        ['top-1', '91.73 %', ''],
      ],
      ['left', 'right', 'right'],
    );
    expect(text.split('\n')).toEqual(['         float    int8', 'size   1.09 MB  0.3 MB', 'top-1  91.73 %']);
  });
});

describe('colours', () => {
  it('are for terminals that can and people who want them', () => {
    expect(wantsColour({ isTTY: true }, { TERM: 'xterm' })).toBe(true);
    expect(wantsColour({ isTTY: true }, { TERM: 'xterm', NO_COLOR: '1' })).toBe(false);
    expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(wantsColour({ isTTY: false }, { TERM: 'xterm' })).toBe(false);
  });
});
