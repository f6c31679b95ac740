import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { CrossingTally } from '../../../demo/counting/crossing-tally.ts';
import { Tally } from '../../../demo/tally.ts';
import { plainLine, screen } from '../../../demo/view/screen.ts';
import type { ViewState } from '../../../demo/view/state.ts';

function someState(): ViewState {
  const tally = new Tally();
  for (let i = 0; i < 9; i++) tally.add('car', { class: 'car', contested: false });
  tally.add('truck', { class: 'car', contested: true });
  return {
    camera: { name: 'a rendered street', state: 'live', reason: null },
    box: { state: 'online', reasons: [] },
    broker: 'an embedded broker',
    page: 'http://127.0.0.1:40123/',
    model: { name: 'street', bytes: 74618 },
    seconds: 12.4,
    frames: 120,
    wanted: 200,
    fps: 11.96,
    latency: { p50: 96.2, p95: 140 },
    regions: [
      { region: 'near-lane', class: 'car', score: 0.97, truth: { class: 'car', contested: false } },
      { region: 'kerb', class: 'empty', score: 0.51, truth: { class: 'pedestrian', contested: true } },
      { region: 'sign-post', class: 'truck', score: 0.4, truth: { class: 'sign', contested: false } },
    ],
    objects: null,
    counts: null,
    accuracy: tally.result(),
    cpuPercent: 31.2,
    memory: { supervisor: 105e6, inference: 102e6, decoders: null },
  };
}

/** The same of a detector: two passed, one of them was counted, and one that did not pass. */
function countingState(): ViewState {
  const tally = new CrossingTally([
    { line: 'near', direction: 'backward' },
    { line: 'zebra', direction: 'forward' },
  ]);
  const passing = { line: 'near', direction: 'backward', class: 'bus' } as const;
  for (let at = 0; at <= 30_000; at += 500) tally.seen(at, at);
  tally.happened({ ...passing, at: 10_000 });
  tally.happened({ ...passing, at: 14_000 });
  tally.counted({ ...passing, at: 10_400 });
  tally.counted({ line: 'zebra', direction: 'forward', class: 'pedestrian', at: 12_000 });
  const seen = (name: string, track: number) => ({ class: name, track, score: 0.8, box: [0.1, 0.2, 0.1, 0.1] });
  return {
    ...someState(),
    regions: [],
    accuracy: null,
    objects: [seen('pedestrian', 4), seen('bus', 2), seen('bus', 7)],
    counts: tally.result(),
  };
}

const named = (style: string, text: string): string => `<${style}>${text}</${style}>`;

describe('the terminal view', () => {
  it('shows a state as a person should read it', async () => {
    const lines = [...screen(someState(), 100, named), '---', plainLine(someState()), ''].join('\n');
    await expect(lines).toMatchFileSnapshot(join(PACKAGE_ROOT, 'test', 'golden', 'demo', 'screen.txt'));
  });

  it('shows counts beside the truth of every line', async () => {
    const lines = [...screen(countingState(), 100, named), '---', plainLine(countingState()), ''].join('\n');
    await expect(lines).toMatchFileSnapshot(join(PACKAGE_ROOT, 'test', 'golden', 'demo', 'counting.txt'));
  });

  it('never writes wider than the terminal', () => {
    for (const [columns, state] of [40, 60, 80, 120].flatMap((width) =>
      [someState(), countingState()].map((each) => [width, each] as const),
    )) {
      for (const line of screen(state, columns, (_style, text) => text)) {
        expect([...line].length).toBeLessThanOrEqual(Math.max(40, columns - 1));
      }
    }
  });

  it('says why a camera is not live', () => {
    const state: ViewState = {
      ...someState(),
      camera: { name: 'x', state: 'refused', reason: '401' },
      regions: [],
      accuracy: null,
    };
    const text = screen(state, 80, (_style, line) => line).join('\n');
    expect(text).toContain('camera refused, box online: 401');
    expect(text).toContain('waiting for the first detection');
    expect(text).not.toContain('accuracy');
  });
});
