import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layersOf } from '../../../compression/layers.ts';
import { FIELDS } from '../../../exporter/plan/fields.ts';
import { CompressionPlan, completed, PlanOutline, planAsJson } from '../../../exporter/plan/plan.ts';
import { planOf } from '../../../exporter/plan/plan-of.ts';
import { colourClassifier } from '../../support/tiny-classifier.ts';

const layers = layersOf(colourClassifier().graph);

describe('the plan of a run', () => {
  test('has every default from the table of its settings', () => {
    const plan = planOf({ pruneFlops: 0.5, finetuneEpochs: 2, qatEpochs: 1 });
    const { criterion, floor, multiple, pictures } = FIELDS.prune;
    expect(plan).toMatchObject({
      seed: FIELDS.seed.fallback,
      target: FIELDS.target.fallback,
      calibration: { samples: FIELDS.calibration.fallback },
      range: FIELDS.range.fallback,
      prune: {
        ...{ unit: 'flops', goal: 0.5, reconstruct: true },
        ...{
          criterion: criterion.fallback,
          floor: floor.fallback,
          multiple: multiple.fallback,
          pictures: pictures.fallback,
        },
      },
      finetune: { epochs: 2, rate: FIELDS.finetune.rate.fallback, batch: FIELDS.finetune.batch.fallback, flip: true },
      qat: { epochs: 1, rate: FIELDS.qat.rate.fallback, batch: FIELDS.qat.batch.fallback, flip: true },
    });
    expect(planOf({ rounding: 'nearest' })).toMatchObject({ range: 'minmax', rounding: 'nearest', equalize: false });
  });

  test('is written in one order, whatever it holds, and reads back as it was', () => {
    const share = fc.option(fc.double({ min: 0.1, max: 0.9, noNaN: true }), { nil: undefined });
    const count = fc.option(fc.integer({ min: 2, max: 200 }), { nil: undefined });
    fc.assert(
      fc.property(share, share, count, count, share, (pruneFlops, pruneParams, clusters, calibration, budget) => {
        const plan = completed(planOf({ pruneFlops, pruneParams, clusters, calibration, budget }), layers, 100);
        const written = planAsJson(plan);
        expect(JSON.stringify(planAsJson(CompressionPlan.parse(written)))).toBe(JSON.stringify(written));
        expect(planOf({ plan, clusters: 7, calibration: 3 })).toBe(plan);
        expect(completed(planOf({ plan }), layers, 1)).toEqual(plan);
        expect(plan.calibration.samples).toBe(Math.min(calibration ?? 512, 100));
        expect(plan.layers.map((layer) => layer.clusters)).toEqual(layers.map(() => clusters));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    [{ clusters: 1 }, 'CLUSTER_INVALID'],
    [{ clusters: 257 }, 'CLUSTER_INVALID'],
    [{ calibration: 0 }, 'USAGE'],
    [{ seed: -1 }, 'USAGE'],
    [{ pruneFlops: 0.96 }, 'USAGE'],
    [{ pruneFlops: 0.5, pruneMultiple: 0 }, 'USAGE'],
    [{ finetuneEpochs: 1.5 }, 'USAGE'],
    [{ target: 'abacus' }, 'USAGE'],
    [{ teacherWeight: 0.5 }, 'USAGE'],
  ])('refuses %j before anything is read', (options, code) => {
    expect(() => planOf(options)).toThrow(expect.objectContaining({ code }));
  });

  test('brings its own validation images, and takes no others', () => {
    const plan = PlanOutline.parse({ ...planOf({}), validation: '10-20' });
    expect(planOf({ plan, validation: [{ from: 10, to: 20 }] })).toBe(plan);
    expect(() => planOf({ plan, validation: [{ from: 10, to: 21 }] })).toThrow(/made with 10-20/);
    expect(() => planOf({ plan: planOf({}), validation: [{ from: 0, to: 1 }] })).toThrow(/made without/);
  });
});
