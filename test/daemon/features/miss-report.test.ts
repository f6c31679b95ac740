import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../daemon/camera/types.ts';
import type { CameraEntry } from '../../../daemon/cameras.ts';
import { DaemonView, type Present, type SeenFrame } from '../../../daemon/features/feature.ts';
import { MissReport } from '../../../daemon/features/miss-report.ts';
import type { Box } from '../../../inference/image.ts';
import { streetOf } from '../../support/moving-things.ts';

const LINES = [{ id: 'middle', from: [0.5, 0.9], to: [0.5, 0.2], lanes: [] }];

/** What the feature reads of a daemon with one camera. */
function box({ selfAudit = true, task = 'detection', view = 'ok' } = {}) {
  const entry = { id: 'north', config: { lines: LINES }, camera: { status: () => ({ view }) } };
  const present = { loaded: { config: { counting: { selfAudit } } }, cameras: [entry], model: { task } };
  const daemon = new DaemonView(() => present as unknown as Present);
  const report = new MissReport(daemon);
  report.start(new AbortController().signal);
  const street = streetOf(4);
  let i = 0;
  /** A vehicle drives over the line every six seconds; the model sees it, and counts it, where it is told to. */
  const drive = (vehicles: number, sees: (vehicle: number) => boolean): void => {
    for (let vehicle = 0; vehicle < vehicles; vehicle++) {
      for (let step = 0; step < 60; step++, i++) {
        const at = step / 40;
        const thing = { box: [at, 0.5, 0.16, 0.14] as Box, grey: 215 };
        const image = street({ things: at < 0.84 && i > 50 ? [thing] : [] });
        const frame = { ...image, capturedAt: 100 * i, lagMs: null } as Frame;
        daemon.emit('taken', entry as unknown as CameraEntry, frame);
        const seen = at < 0.84 && sees(vehicle) ? [{ box: thing.box }] : [];
        const crossing = { line: 'middle', direction: 'forward', along: 0.5, classIndex: 0, time: i / 10 };
        const crossings = seen.length > 0 && step === 18 ? [crossing] : [];
        const told = { frame: { camera: 'north' }, time: i / 10, scheme: { classes: ['car'] } };
        daemon.emit('traffic', { ...told, seen: { objects: seen, crossings } } as unknown as SeenFrame);
      }
    }
  };
  return { report, drive };
}

describe('the self-audit of a box', () => {
  it('tells what share the model does not see', () => {
    const { report, drive } = box();
    expect(report.of('north')).toBeNull();
    drive(13, (vehicle) => vehicle % 4 !== 3);
    const misses = report.of('north');
    expect(misses?.light).toBe('bright');
    expect(misses?.all.captured).toBeGreaterThanOrEqual(10);
    expect(misses?.all).toMatchObject({ bound: 'lower', counted: 9 }); // the last one waits for what motion may still find
    expect(misses?.all.missRate).toBeGreaterThan(0.2);
    expect(misses?.all.missRate).toBeLessThan(0.3);
  });

  it('costs nothing and says nothing where it is not asked for, where nothing finds objects, and where the view is bad', () => {
    const off = box({ selfAudit: false });
    off.drive(2, () => true);
    expect(off.report.of('north')).toBeUndefined();
    for (const other of [box({ task: 'classification' }), box({ view: 'frozen' })]) {
      other.drive(2, () => true);
      expect(other.report.of('north')).toBeNull();
    }
  });
});
