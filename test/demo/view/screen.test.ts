import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
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
    accuracy: tally.result(),
    cpuPercent: 31.2,
    memory: { supervisor: 105e6, inference: 102e6, decoders: null },
  };
}

const named = (style: string, text: string): string => `<${style}>${text}</${style}>`;

describe('the terminal view', () => {
  it('shows a state as a person should read it', async () => {
    const lines = [...screen(someState(), 100, named), '---', plainLine(someState()), ''].join('\n');
    await expect(lines).toMatchFileSnapshot(join(PACKAGE_ROOT, 'test', 'golden', 'demo', 'screen.txt'));
  });

  it('never writes wider than the terminal', () => {
    for (const columns of [40, 60, 80, 120]) {
      for (const line of screen(someState(), columns, (_style, text) => text)) {
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
