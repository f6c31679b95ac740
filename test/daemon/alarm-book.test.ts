import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ALARMS } from '../../contract/messages/alarm.ts';
import { alarmTable } from '../../contract/messages/documents.ts';
import type { StateReason } from '../../contract/messages/state.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { AlarmBook } from '../../daemon/alarm-book.ts';

const WALL = Date.parse('2026-03-01T12:00:00.000Z');
const at = (seconds: number) => ({ at: seconds * 1000, wall: WALL + seconds * 1000 });
const stalled = (camera: string): StateReason => ({ code: 'camera-stalled', camera, message: `${camera} is silent` });

it('raises one alarm a code, with every cause and since when the oldest holds, and clears it with the last', () => {
  const book = new AlarmBook();
  book.hear([stalled('north')], at(0));
  book.hear([stalled('east'), stalled('north')], at(10));
  expect(book.raised(10_000).get('camera-stalled')).toMatchObject({
    ...{ severity: ALARMS['camera-stalled'].severity, action: ALARMS['camera-stalled'].action },
    since: '2026-03-01T12:00:00.000Z',
    causes: [
      { camera: 'east', message: 'east is silent' },
      { camera: 'north', message: 'north is silent' },
    ],
  });
  book.hear([stalled('east')], at(20));
  expect(book.raised(20_000).get('camera-stalled')).toMatchObject({
    since: '2026-03-01T12:00:10.000Z',
    causes: [{ camera: 'east' }],
  });
  book.hear([], at(30));
  expect(book.raised(30_000).size).toBe(0);
  book.hear([stalled('east')], at(40));
  expect(book.raised(40_000).get('camera-stalled')?.since).toBe('2026-03-01T12:00:40.000Z');
});

it('waits with what belongs to every start, and begins to wait anew where it ceased', () => {
  const book = new AlarmBook();
  const starting: StateReason = { code: 'inference-starting', message: 'the model is being loaded' };
  book.hear([starting], at(0));
  expect(book.raised(59_000).size).toBe(0);
  expect(book.raised(60_000).get('inference-starting')?.since).toBe('2026-03-01T12:00:00.000Z');
  book.hear([], at(61));
  book.hear([starting], at(62));
  expect(book.raised(100_000).size).toBe(0);
});

it('is none where a box has ended', () => {
  const book = new AlarmBook();
  book.hear([{ code: 'stopped', message: 'ended on request' }], at(0));
  expect(book.raised(1_000_000).size).toBe(0);
});

it('has a row in docs/reference/mqtt.md, beside the meaning of its reason (`npm run contract` writes it)', async () => {
  const page = await readFile(join(PACKAGE_ROOT, 'docs', 'reference', 'mqtt.md'), 'utf8');
  expect(page).toContain(`<!-- alarms -->\n${alarmTable()}\n<!-- /alarms -->`);
  const meanings = page.slice(page.indexOf('## Reasons of a state'), page.indexOf('## Alarms'));
  for (const code of Object.keys(ALARMS)) expect(meanings).toContain(`| \`${code}\` |`);
});
