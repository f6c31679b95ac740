import { describe, expect, it } from 'vitest';
import { GRADIENT_CASES } from '../../../bench/gradient/cases.ts';
import { checkCase } from '../../../bench/gradient/check-case.ts';
import { GRADIENT_RULES } from '../../../compression/autodiff/rules/registry.ts';

/** Rounding has no difference quotient: `straight-through.test.ts` holds these to their definition. */
const STRAIGHT_THROUGH = ['QuantizeLinear', 'DequantizeLinear'];

describe('every gradient rule agrees with finite differences', () => {
  for (const each of GRADIENT_CASES) {
    it(`${each.opType} ${each.says}`, async () => {
      const { error, elements } = await checkCase(each);
      expect(elements).toBeGreaterThan(0);
      expect(error).toBeLessThan(5e-3);
    });
  }

  it('leaves no rule unchecked', () => {
    const checked = new Set([...GRADIENT_CASES.map(({ opType }) => opType), ...STRAIGHT_THROUGH]);
    expect([...GRADIENT_RULES.keys()].filter((opType) => !checked.has(opType))).toEqual([]);
  });
});
