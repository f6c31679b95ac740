import { describe, expect, it } from 'vitest';
import { scatter } from '../../../cli/accept/scatter.ts';
import { type JudgedClip, judged, STEPS } from '../../../cli/accept/steps.ts';
import { countAccuracy } from '../../../cli/count/accuracy.ts';
import type { HandCrossing } from '../../../cli/count/hand-count.ts';
import type { Crossing } from '../../../daemon/vision/line-counter.ts';

const classes = ['car', 'truck'];
const counted = (time: number, classIndex = 0): Crossing => ({
  line: 'road',
  direction: 'forward',
  object: time,
  track: time,
  time,
  classIndex,
  along: 0.5,
});
const byHand = (t: number): HandCrossing => ({
  line: 'road',
  direction: 'forward',
  class: 'car',
  t,
  contested: false,
  classAlternatives: [],
});

interface Made {
  readonly truth: number;
  readonly missed?: number;
  readonly false?: number;
  readonly confused?: number;
  readonly seconds?: number;
  readonly conditions?: Partial<Pick<JudgedClip, 'light' | 'weather'>>;
}

/** A clip in which a crossing comes every 3 s: what is false lies between. */
function clip({ truth, missed = 0, false: wrong = 0, confused = 0, seconds, conditions }: Made): JudgedClip {
  const length = seconds ?? 3 * (truth + wrong) + 3;
  const found = Array.from({ length: truth - missed }, (_, i) => counted(3 * i, i < confused ? 1 : 0));
  const made = Array.from({ length: wrong }, (_, i) => counted(3 * i + 1.5));
  const hand = Array.from({ length: truth }, (_, i) => byHand(3 * i));
  const accuracy = countAccuracy([...found, ...made], hand, { classes, seconds: length });
  return { name: 'a.mp4', view: '', light: null, weather: null, seconds: length, accuracy, ...conditions };
}

const judge = (name: string, clips: readonly JudgedClip[], certainty = false) => {
  const plan = STEPS.find((each) => each.name === name);
  if (plan === undefined) throw new Error(`no step ${name}`);
  return judged(plan, clips.filter(plan.shows), { limit: 0.05, certainty });
};

describe('the steps of an acceptance', () => {
  it('take 5% of the hand count for the limit, itself within', () => {
    expect(judge('crossings', [clip({ truth: 20, missed: 1 })])).toMatchObject({ status: 'passed', error: 0.05 });
    expect(judge('crossings', [clip({ truth: 20, missed: 1, false: 1 })])).toMatchObject({
      status: 'failed',
      error: 0.1,
    });
  });

  it('let missed and false make up for each other in volumes alone', () => {
    const clips = [clip({ truth: 40, missed: 4, false: 4 })];
    expect(judge('volume', clips)).toMatchObject({ status: 'passed', error: 0, method: 'exact' });
    expect(judge('crossings', clips)).toMatchObject({ status: 'failed', error: 0.2 });
  });

  it('give intervals around what was seen, that narrow as more is seen', () => {
    for (const name of ['volume', 'crossings', 'classes', 'flows']) {
      const made = (times: number) => clip({ truth: 20 * times, missed: 2 * times, confused: times });
      const [few, many] = [judge(name, [made(1)]), judge(name, [made(10)])].map(({ interval, error }) => {
        const [low, high] = [interval?.low ?? Number.NaN, interval?.high ?? Number.NaN];
        const signed = name === 'volume' || name === 'flows' ? -(error ?? 0) : (error ?? 0);
        expect(low).toBeLessThanOrEqual(signed);
        expect(high).toBeGreaterThanOrEqual(signed);
        return high - low;
      });
      expect(many).toBeLessThan(0.5 * (few ?? 0));
    }
  });

  it('are certain only where the whole interval is within: 73 crossings without an error', () => {
    expect(judge('crossings', [clip({ truth: 72 })], true)).toMatchObject({ status: 'failed', certain: false });
    expect(judge('crossings', [clip({ truth: 73 })], true)).toMatchObject({ status: 'passed', certain: true });
  });

  it('judge each kind of light and weather by its clips', () => {
    const tagged = (conditions: Made['conditions'], missed: number) =>
      clip({ truth: 20, missed, conditions: conditions ?? {} });
    const clips = [
      tagged({ light: 'day', weather: 'clear' }, 0),
      tagged({ light: 'night' }, 4),
      tagged({ light: 'night', weather: 'rain' }, 1),
      tagged({ weather: 'fog' }, 20),
    ];
    const status = Object.fromEntries(STEPS.map(({ name }) => [name, judge(name, clips).status]));
    expect(status).toMatchObject({ volume: 'passed', crossings: 'passed', night: 'failed', rain: 'passed' });
    expect(judge('severe-weather', clips)).toMatchObject({ status: 'failed', error: 1 });
    expect(judge('rain', clips.slice(0, 2))).toMatchObject({ status: 'not-judged', error: null, interval: null });
  });

  it('see the flow that is furthest off behind a total that is right', () => {
    const good = clip({ truth: 200 });
    const lines = ['north', 'south'].map((line, i) => {
      const hand = Array.from({ length: 40 }, (_, k) => ({ ...byHand(3 * k), line }));
      const seen = Array.from({ length: 40 + (i === 0 ? 3 : -3) }, (_, k) => ({ ...counted(3 * k), line }));
      return { ...good, accuracy: countAccuracy(seen, hand, { classes, seconds: 200 }) };
    });
    expect(judge('volume', lines)).toMatchObject({ status: 'passed', error: 0 });
    expect(judge('flows', lines)).toMatchObject({ status: 'failed', error: 3 / 40 });
    expect(judge('flows', [clip({ truth: 19 })])).toMatchObject({ status: 'not-judged' });
  });

  it('ask GEH of hourly volumes alone', () => {
    expect(judge('hourly-volume', [clip({ truth: 40, missed: 20 })])).toMatchObject({ status: 'not-judged' });
    // 400 against 300 an hour: GEH 5.3.
    const off = clip({ truth: 100, missed: 25, seconds: 900 });
    expect(judge('hourly-volume', [off])).toMatchObject({ status: 'failed', error: 1 });
    expect(judge('hourly-volume', [clip({ truth: 100, missed: 20, seconds: 900 })])).toMatchObject({
      status: 'passed',
    });
  });

  it('fail on what was counted where nothing passed, and judge nothing by an empty road', () => {
    expect(judge('volume', [clip({ truth: 0, false: 3 })])).toMatchObject({ status: 'failed' });
    expect(judge('volume', [clip({ truth: 0 })])).toMatchObject({ status: 'not-judged' });
  });
});

describe('scatter', () => {
  it('is 1 where all devices agree, less as they differ, and unknown for one', () => {
    expect(scatter([20, 20, 20])).toBe(1);
    expect(scatter([18, 20, 22])).toBeCloseTo(0.9, 10);
    expect(scatter([20])).toBeNull();
    expect(scatter([0, 0])).toBeNull();
  });
});
