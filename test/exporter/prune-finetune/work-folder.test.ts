import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { WorkFolder } from '../../../exporter/prune-finetune/work-folder.ts';
import { temporaryFolder } from '../../support/folder.ts';

const Record = z.strictObject({ top1: z.number() });

describe('the work folder', () => {
  const folder = temporaryFolder();
  const out = (): string => join(folder(), 'package');

  it('gives back what a stage left, to who decides the same', async () => {
    const work = new WorkFolder(out(), ['plan', 1]);
    expect(await work.load('prune', Record)).toBeUndefined();
    await work.save('prune', Uint8Array.of(1, 2, 3), { top1: 0.5 });
    const again = await new WorkFolder(out(), ['plan', 1]).load('prune', Record);
    expect(again).toEqual({ model: Buffer.from([1, 2, 3]), record: { top1: 0.5 } });
    expect(await new WorkFolder(out(), ['plan', 2]).load('prune', Record)).toBeUndefined();
  });

  it('takes no model that is not the one its record speaks of, and no record of another form', async () => {
    const work = new WorkFolder(out(), 'damaged');
    await work.save('prune', Uint8Array.of(1, 2, 3), { top1: 0.5 });
    expect(await work.load('prune', z.strictObject({ other: z.string() }))).toBeUndefined();
    await writeFile(work.path('prune.onnx'), Uint8Array.of(1, 2, 4));
    expect(await work.load('prune', Record)).toBeUndefined();
    await work.save('prune', Uint8Array.of(5), { top1: 0.25 });
    await writeFile(work.path('prune.json'), (await readFile(work.path('prune.json'), 'utf8')).slice(0, 20));
    expect(await work.load('prune', Record)).toBeUndefined();
  });

  it('goes as a whole, with what other plans have left', async () => {
    await new WorkFolder(out(), 'one').save('prune', Uint8Array.of(1), { top1: 1 });
    await new WorkFolder(out(), 'two').remove();
    expect(existsSync(`${out()}.work`)).toBe(false);
  });
});
