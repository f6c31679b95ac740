import { describe, expect, it } from 'vitest';
import type { Machine } from '../../bench/harness/machine.ts';
import { replaceBlock } from '../../bench/harness/pages/blocks.ts';
import { formatValue, markdownTable, promisesOf, tablesOf, terminalTable } from '../../bench/harness/pages/table.ts';
import { resultOf } from '../../bench/harness/results.ts';

const machine: Machine = {
  cpu: 'Some CPU',
  cores: 4,
  instructionSets: ['avx_vnni'],
  memoryGiB: 8,
  os: 'Linux',
  node: 'v20',
  wayside: '0.1.0',
  packages: { 'onnxruntime-node': '1', 'onnx-proto': '1', protobufjs: '1', mqtt: '1', sharp: '1', aedes: '1' },
};
const benchmark = {
  name: 'sample',
  title: 'A sample',
  method: 'By hand.',
  layout: 'grid',
  needs: [],
  run: () => Promise.reject(new Error('not run here')),
} as const;
const figures = [
  { subject: 'int8', measure: 'loss', value: 0.1 + 0.2, unit: 'points', limit: { atMost: 0.3 } },
  { subject: 'int8', measure: 'latency', value: 1.23456789, unit: 'ms' },
  { subject: 'clustered', measure: 'loss', value: 1.5, unit: 'points', limit: { atMost: 1 } },
  { subject: 'clustered', measure: 'smaller', value: 6, unit: 'times', limit: { atLeast: 6 } },
] as const;
const result = resultOf(benchmark, { figures, notes: [] }, { machine, command: 'c', duration: 1 });

describe('intervals in the tables', () => {
  it('stand behind the value', () => {
    const loss = { ...figures[0], value: 0.12, interval: { low: -0.21999999, high: 0.46 } };
    const { figures: stored } = resultOf(
      benchmark,
      { figures: [loss], notes: [] },
      { machine, command: 'c', duration: 1 },
    );
    expect(stored[0]?.interval).toEqual({ low: -0.22, high: 0.46 });
    const [, row] = tablesOf({ ...result, figures: stored, layout: 'list' })[0]!;
    expect(row?.[2]).toBe('0.12 points [-0.22, 0.46]');
  });
});

describe('results of the benchmarks', () => {
  it('judges each limit, counts both ends as met, and the whole by its worst figure', () => {
    expect(result.figures.map(({ met }) => met)).toEqual([true, undefined, false, true]);
    expect(result.met).toBe(false);
  });

  it('judges what is written: 0.30000000000000004 points are 0.3', () => {
    expect(result.figures[0]?.value).toBe(0.3);
    expect(result.figures[0]?.met).toBe(true);
  });

  it('keeps six digits', () => {
    expect(result.figures[1]?.value).toBe(1.23457);
  });

  it('puts subjects in rows and measures in columns, each in the order of first appearance', () => {
    expect(tablesOf(result)[0]).toEqual([
      ['', 'loss', 'latency', 'smaller'],
      ['int8', '0.30 points (<= 0.30 points: met)', '1.23 ms', ''],
      ['clustered', '1.50 points (<= 1 points: **missed**)', '', '6 times (>= 6 times: met)'],
    ]);
  });

  it('gives subjects of other measures a table of their own', () => {
    const tables = tablesOf({ ...result, layout: 'grids' });
    expect(tables.map(([head]) => head)).toEqual([
      ['', 'loss', 'latency'],
      ['', 'loss', 'smaller'],
    ]);
  });

  it('summarises only what was promised', () => {
    expect(promisesOf([result]).map((row) => row.slice(0, 2))).toEqual([
      ['what', 'measure'],
      ['int8', 'loss'],
      ['clustered', 'loss'],
      ['clustered', 'smaller'],
    ]);
  });

  it('keeps a bar inside a cell from ending it', () => {
    expect(markdownTable([['a'], ['b|c']])).toBe('| a |\n|---|\n| b\\|c |');
  });

  it('aligns columns on a terminal', () => {
    expect(
      terminalTable([
        ['a', 'b'],
        ['long', 'c'],
      ]),
    ).toBe('a     b\nlong  c');
  });

  it('prints no digit that was not measured', () => {
    expect(formatValue(0.123456, 'ms')).toBe('0.123');
    expect(formatValue(1234.56, 'ms')).toBe('1,235');
    expect(formatValue(91.7, '%')).toBe('91.70');
    expect(formatValue(0, '')).toBe('0');
  });
});

describe('blocks of a page', () => {
  const page = 'before\n<!-- figures -->\nold\n<!-- /figures -->\nafter';

  it('replaces what stands between the marks and nothing else', () => {
    expect(replaceBlock(page, 'figures', 'new')).toBe('before\n<!-- figures -->\nnew\n<!-- /figures -->\nafter');
  });

  it('is stable when repeated', () => {
    const once = replaceBlock(page, 'figures', 'new');
    expect(replaceBlock(once, 'figures', 'new')).toBe(once);
  });

  it('leaves a page without the block alone', () => {
    expect(replaceBlock(page, 'other', 'new')).toBe(page);
  });
});
