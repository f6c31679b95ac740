import { type Interval, isClear, wilson } from '../core/intervals.ts';

const grouped = new Intl.NumberFormat('en-US');

/** `268336` as `268,336`. */
export const count = (value: number): string => grouped.format(value);

/** Bytes in powers of ten, as disks and networks count them: `1.09 MB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const units = ['kB', 'MB', 'GB'];
  let scaled = value / 1000;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${scaled >= 100 ? scaled.toFixed(0) : scaled >= 10 ? scaled.toFixed(1) : scaled.toFixed(2)} ${units[unit]}`;
}

/** Large counts with a prefix: `40.8 M`. */
export function prefixed(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return unit === 0 ? String(value) : `${scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)}${units[unit]}`;
}

/** A fraction 0..1 as `91.73 %`. */
export const percent = (fraction: number): string => `${(fraction * 100).toFixed(2)} %`;

/** The difference of two fractions in percentage points, with its sign: `-0.53 points`. */
export function points(before: number, after: number): string {
  const difference = (after - before) * 100;
  const rounded = difference.toFixed(2).replace(/^-(0\.00)$/, '$1');
  return `${difference > 0 && rounded !== '0.00' ? '+' : ''}${rounded} points`;
}

/** The 95% interval of a share of so many images: `90.7 to 92.2 %`. */
export function shareInterval(share: number, samples: number): string {
  const { low, high } = wilson(Math.round(share * samples), samples);
  return `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`;
}

/** Whether chance alone would give such a difference of accuracies, points: `-0.31 to +0.39 points: may be chance`. */
export function changeInterval({ low, high }: Interval): string {
  const signed = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(2)}`;
  return `${signed(low)} to ${signed(high)} points: ${isClear({ low, high }) ? 'more than chance' : 'may be chance'}`;
}

/** `1.52 ms`, with three significant digits. */
export const milliseconds = (ms: number): string =>
  `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`;

/** How long something took or will take: `0.8 s`, `12 s`, `2 min 05 s`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** `6.1 times smaller`, or `1.2 times larger` when it went the other way. */
export function ratio(before: number, after: number, better: string, worse: string): string {
  if (before === after || before === 0 || after === 0) return before === after ? 'same' : '';
  const factor = after < before ? before / after : after / before;
  const text = factor >= 1.095 ? factor.toFixed(1) : factor.toFixed(2);
  return text === '1.00' ? 'same' : `${text} times ${after < before ? better : worse}`;
}
