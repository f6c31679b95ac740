import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier } from '../support/tiny-classifier.ts';
import { runWayside } from '../support/wayside.ts';

describe('wayside bench', () => {
  const folder = temporaryFolder();
  const model = () => join(folder(), 'colours.onnx');
  beforeAll(() => writeModel(colourClassifier(), model()));

  it('times models in turns and says what loading them costs', async () => {
    const run = await runWayside(['bench', model(), model(), '--seconds', '1', '--json']);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    const { threads, models } = JSON.parse(run.stdout) as { threads: number; models: Record<string, number>[] };
    expect(threads).toBe(1);
    expect(models).toHaveLength(2);
    expect(models[0]?.['relative']).toBe(1);
    for (const { minMs = 0, medianMs = 0, p95Ms = 0, runs = 0, loadMs = 0, bytes = 0, memoryBytes = -1 } of models) {
      expect(minMs).toBeGreaterThan(0);
      expect(medianMs).toBeGreaterThanOrEqual(minMs);
      expect(p95Ms).toBeGreaterThanOrEqual(medianMs);
      expect(runs).toBeGreaterThanOrEqual(9); // three rounds of three runs at the very least
      expect(loadMs).toBeGreaterThan(0);
      expect(bytes).toBeGreaterThan(84);
      expect(memoryBytes).toBeGreaterThanOrEqual(0);
    }
  });

  it('prints a table for a person', async () => {
    const run = await runWayside(['bench', model(), '--seconds', '1']);
    expect(run.stdout).toMatch(/^model +median +p95 +fastest +runs +relative +load +memory +size$/m);
    expect(run.stdout).toContain('one thread');
  });
});
