import type { QuantizedModel } from '../pipeline/quantize-by-plan.ts';
import type { BudgetResult, CompressResult } from '../pipeline/results.ts';
import { describePrecision } from '../quantize/precision.ts';
import { decibels, integer, named, section, table } from './html.ts';

/** What was decided on the way, and what stayed in float. */
export function decisionSection(quantized: QuantizedModel, { fused, noisy, notes, budget }: CompressResult): string {
  const { plan, method, divergence } = quantized;
  const tried = Object.entries(divergence).map(([name, value]) => `${name} ${value.toExponential(2)}`);
  const clusters = new Set(plan.layers.map((layer) => layer.clusters).filter((count) => count !== undefined));
  const rows: [string, string][] = [
    ['Target', plan.target],
    ['Calibration', `${integer(plan.calibration.samples)} images, seed ${plan.seed}`],
    ['Clusters a layer', clusters.size === 0 ? 'not clustered' : [...clusters].sort((a, b) => a - b).join(', ')],
    ['Activation ranges', method],
    ...(plan.rounding === 'nearest' ? [['Rounding of weights', 'to the nearest code'] as [string, string]] : []),
    ...(plan.equalize === undefined ? [] : [['Equalized', plan.equalize === true ? 'yes' : 'no'] as [string, string]]),
    ...(tried.length === 0 ? [] : [['Divergence from the float predictions', tried.join(', ')] as [string, string]]),
    ...(notes.length === 0 ? [] : [['Folded', notes.join('; ')] as [string, string]]),
    ['Run in int8', `${integer(fused.quantized)} convolutions and matrix products`],
    ...noisyRows(noisy),
    ...budgetRows(budget),
  ];
  const left = fused.float.map(({ name, opType, reason }) => [named(name), opType, reason]);
  return section({
    id: 'decisions',
    title: 'Decisions',
    body: [
      table({ caption: 'What the run settled on', columns: ['Decision', { words: 'Value' }], rows }),
      left.length === 0
        ? ''
        : table({
            caption: 'Layers that run in float',
            columns: ['Layer', { words: 'Operator' }, { words: 'Reason' }],
            rows: left,
          }),
    ].join('\n'),
  });
}

const noisyRows = (noisy: CompressResult['noisy']): [string, string][] =>
  noisy.length === 0
    ? []
    : [
        [
          'Mostly noise, and allowed to be',
          noisy.map(({ name, decibels: value }) => `${name} (${decibels(value)})`).join(', '),
        ],
      ];

function budgetRows(budget: BudgetResult | undefined): [string, string][] {
  if (budget === undefined) return [];
  const { points, heldOut, wider } = budget;
  const kept = wider.map(({ name, width }) => `${name}: ${describePrecision(width)}`);
  return [
    ['Budget', `${points} points; lost on held-out images: ${heldOut.map((lost) => lost.toFixed(2)).join(', then ')}`],
    ['Kept finer for it', kept.length === 0 ? 'no layer' : kept.join(', ')],
  ];
}
