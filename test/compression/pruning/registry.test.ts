import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { criterionOption } from '../../../cli/options/pruning.ts';
import { layersOf } from '../../../compression/layers.ts';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import { CRITERIA, CRITERION_NAMES } from '../../../compression/pruning/criteria/registry.ts';
import { collectMoments } from '../../../compression/rounding/collect.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { PrunePlan } from '../../../exporter/plan/prune-finetune.ts';
import { loadedBy, sourceFiles } from '../../support/imports.ts';
import { noiseImages, preprocessing } from '../noise.ts';
import { residual } from './structures.ts';

const HOME = 'compression/pruning/criteria';
const train = noiseImages(64);

describe('the registry of criteria', () => {
  it('has one file a criterion, and is the only place besides that names them', () => {
    const files = readdirSync(join(PACKAGE_ROOT, HOME)).filter(
      (file) => !['criterion.ts', 'registry.ts'].includes(file),
    );
    expect(new Set(files)).toEqual(new Set(CRITERION_NAMES.map((name) => `${name}.ts`)));
    const named = new RegExp(`['"](${CRITERION_NAMES.join('|')})['"]|${HOME}/(${CRITERION_NAMES.join('|')})\\.ts`);
    const others = sourceFiles(['cli', 'compression', 'exporter']).filter((file) => !file.startsWith(`${HOME}/`));
    expect(others.filter((file) => named.test(readFileSync(join(PACKAGE_ROOT, file), 'utf8')))).toEqual([]);
  });

  it('is what plans and options take, and what the help describes', () => {
    const option = criterionOption('criterion');
    expect(option.argChoices).toEqual(CRITERION_NAMES);
    for (const { name, summary } of CRITERIA) expect(option.description).toContain(`${name}, ${summary}`);
    expect(PrunePlan.shape.criterion.unwrap().options).toEqual(CRITERION_NAMES);
  });

  it('takes two files in the recipe', () => {
    const guide = readFileSync(join(PACKAGE_ROOT, 'CONTRIBUTING.md'), 'utf8');
    const [, recipe = ''] = guide.split('### A pruning criterion\n');
    const rows = recipe.slice(0, recipe.indexOf('###')).matchAll(/^\| `([^`]+)`/gm);
    expect([...rows].map(([, file]) => file)).toEqual([`${HOME}/NAME.ts`, `${HOME}/registry.ts`]);
  });

  it('loads no runtime before a criterion is called: help reads it', () => {
    const loaded = loadedBy(`${HOME}/registry.ts`);
    expect([...loaded].filter((file) => file.startsWith('onnxruntime') || file.startsWith('inference/'))).toEqual([]);
  });

  it.each(CRITERIA)('judges every channel of every group: $name', async (criterion) => {
    const model = residual();
    const { groups } = analyzeChannels(model);
    const indices = Array.from({ length: 64 }, (_, i) => i);
    const options = { preprocessing, indices, seed: 1, threads: 1 };
    const moments = () => collectMoments(model, layersOf(model.graph), train, options);
    const scores = await criterion.judge({ ...options, model, groups, train, moments });
    expect(scores.map(({ length }) => length)).toEqual(groups.map(({ channels }) => channels.length));
    for (const each of scores) expect(new Set(each).size).toBeGreaterThan(1);
  });
});
