import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaysideError } from '../../../core/errors.ts';
import { windowOpensAt } from '../../../deploy/agent/config/windows.ts';
import { afterFailure } from '../../../deploy/agent/failure.ts';
import { LineSplitter } from '../../../deploy/agent/line-splitter.ts';
import { readReason, reasonText } from '../../../deploy/agent/reason.ts';
import { TrialSession } from '../../../deploy/agent/trial-session.ts';
import { PacedTransport } from '../../../deploy/agent/tuf/paced-transport.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import type { FromDaemon } from '../../../deploy/trial/protocol.ts';
import { compareVersions } from '../../../deploy/version.ts';
import { equalBlock } from '../../support/scripted-daemon.ts';

describe('the order of versions', () => {
  it.each([
    ['2', '10'],
    ['1.9', '1.10'],
    ['1.0', '1.0.1'],
    ['2.0-rc.1', '2.0'],
    ['2.0-rc.2', '2.0-rc.10'],
    ['2026-03-01', '2026-11-26'],
    ['1a', '1b'],
  ])('%s is before %s', (before, after) => {
    expect(compareVersions(before, after)).toBe(-1);
    expect(compareVersions(after, before)).toBe(1);
  });

  it('is one, and what follows + says nothing', () => {
    const version = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9.+_-]{0,12}$/);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareVersions(a, b)).toBe(-compareVersions(b, a) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
    expect(compareVersions('1+a', '1+b')).toBe(0);
  });
});

describe('the maintenance window', () => {
  const at = (time: string): number => Date.parse(`2026-03-10T${time}:00Z`);
  const night = [{ from: '22:00', to: '04:00' }];

  it.each([
    ['inside, before midnight', '23:00', '23:00'],
    ['inside, after it', '03:59', '03:59'],
    ['after its end', '04:00', '22:00'],
    ['in the afternoon', '15:30', '22:00'],
  ])('%s', (_, now, opens) => expect(windowOpensAt(night, at(now))).toBe(at(opens)));

  it('is open always where there is none, and the next of several counts', () => {
    expect(windowOpensAt([], 5)).toBe(5);
    expect(windowOpensAt([...night, { from: '12:00', to: '12:30' }], at('11:00'))).toBe(at('12:00'));
  });
});

describe('a failure', () => {
  const error = (code: 'DOWNLOAD_FAILED' | 'BUNDLE_INVALID' | 'PACKAGE_INVALID' | 'UPDATE_EXPIRED') =>
    new WaysideError(code, { message: '' });

  it('that may pass waits longer each time, ten seconds to half an hour; what is signed and of no use ends the job', () => {
    const waits = [1, 2, 5, 50].map((failures) => afterFailure(error('DOWNLOAD_FAILED'), 'office', failures, 1));
    expect(waits).toEqual([{ waitMs: 10_000 }, { waitMs: 20_000 }, { waitMs: 160_000 }, { waitMs: 1_800_000 }]);
    expect(afterFailure(error('BUNDLE_INVALID'), 'office', 1, 1)).toEqual({ final: true });
    expect(afterFailure(error('PACKAGE_INVALID'), 'office', 1, 1)).toEqual({ waitMs: 10_000 });
    expect(afterFailure(error('PACKAGE_INVALID'), 'office', 3, 1)).toEqual({ final: true });
    expect(afterFailure(error('UPDATE_EXPIRED'), 'office', 99, 1)).toHaveProperty('waitMs');
  });

  it('of a stick is told at once: whoever pulled it out puts it in again', () => {
    expect(afterFailure(error('DOWNLOAD_FAILED'), 'stick', 1, 1)).toEqual({ final: true });
  });

  it('is kept as a code and words', () => {
    const reason = { code: 'DOWNLOAD_FAILED', message: 'https://host/a: refused' };
    expect(readReason(reasonText(reason))).toEqual(reason);
    expect(readReason('TRIAL_SLOWER').message).toMatch(/slower/);
  });
});

describe('lines from the socket', () => {
  it('come whole however they are cut, and none is longer than allowed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 20 }).filter((text) => !text.includes('\n'))),
        fc.nat(9),
        (lines, size) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const splitter = new LineSplitter(100);
          const found: string[] = [];
          for (let from = 0; from < bytes.length; from += size + 1)
            found.push(...splitter.take(bytes.subarray(from, from + size + 1)));
          expect(found).toEqual(lines);
        },
      ),
    );
    expect(() => [...new LineSplitter(10).take(Buffer.alloc(11, 'x'))]).toThrow(/more than 10/);
  });
});

describe('a trial over the socket', () => {
  let now = 0;
  const start = () =>
    new TrialSession({
      ...{ id: 't', slot: 'B', longestMs: 100_000_000, clock: () => now },
      limits: trialLimits.parse({ shadowBlocks: 2, probationBlocks: 2 }),
    });
  const block = (phase: 'shadow' | 'probation', index = 0): Extract<FromDaemon, { type: 'block' }> => ({
    ...{ v: 1, type: 'block', trial: 't', index },
    block: equalBlock(phase),
  });
  const ready = { v: 1, type: 'candidate', trial: 't', event: 'ready', labels: 3 } as const;

  it('is never promoted on what the daemon calls probation before it was told to let the candidate answer', () => {
    const session = start();
    session.hear(ready);
    for (let index = 0; index < 300; index++) session.hear(block('probation', index));
    expect(session.underWay().ruling).toEqual({ step: 'take-over' });
    session.tookOver();
    for (let index = 0; index < 300; index++) session.hear(block('probation', index));
    expect(session.underWay().ruling).toMatchObject({ step: 'promote', reason: 'TRIAL_PROMOTED' });
  });

  it('ends where the candidate does not come up, says that it cannot, or shows nothing for too long', () => {
    const silent = start();
    now += 11 * 60_000;
    expect(silent.underWay().ruling).toMatchObject({ reason: 'TRIAL_FAILED_TO_LOAD' });
    const honest = start();
    honest.hear({ v: 1, type: 'candidate', trial: 't', event: 'failed', code: 'GOLDEN_MISMATCH', message: 'sample 0' });
    expect(honest.underWay().ruling).toMatchObject({
      reason: 'TRIAL_FAILED_TO_LOAD',
      message: 'GOLDEN_MISMATCH: sample 0',
    });
    const unsigned = start();
    unsigned.hear({ v: 1, type: 'candidate', trial: 't', event: 'failed', code: 'SIGNATURE_MISSING', message: 'no' });
    expect(unsigned.underWay().ruling).toMatchObject({ reason: 'TRIAL_REFUSED' });
    const blind = start();
    blind.hear(ready);
    now += 200_000_000;
    expect(blind.underWay().ruling).toMatchObject({ step: 'roll-back', reason: 'TRIAL_NO_FRAMES' });
  });

  it('is cut off with the connection, whatever was ruled before', () => {
    const session = start();
    session.hear(ready);
    session.lost();
    expect(session.underWay().ruling).toEqual({ step: 'interrupted' });
  });
});

describe('a download that is paced', () => {
  it('takes no more than its rate, and gives every byte', async () => {
    const bytes = Buffer.alloc(60_000, 7);
    const inner = {
      received: 0,
      close: () => Promise.resolve(),
      open: () =>
        Promise.resolve({
          resumed: false,
          body: (async function* body() {
            for (let at = 0; at < bytes.length; at += 1000) yield await Promise.resolve(bytes.subarray(at, at + 1000));
          })(),
        }),
    };
    const began = performance.now();
    const { body } = await new PacedTransport(inner, 50_000).open('', { maxBytes: 1e6 });
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    // A second's worth may come at once; the other 10,000 bytes take a fifth of a second.
    expect(performance.now() - began).toBeGreaterThan(180);
  });
});
