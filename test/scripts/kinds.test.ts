import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { LONGEST } from '../support/sequencer.ts';

const FOLDER = join(PACKAGE_ROOT, 'test');
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));

it('the files that are begun first exist', () => {
  expect(LONGEST.filter((name) => !existsSync(join(FOLDER, `${name}.test.ts`)))).toEqual([]);
});

it('files with cameras and daemons are of the kind that waits, beside which none computes', () => {
  const live = files.filter((name) =>
    /from '[./]*\/support\/(rig|watched-camera|daemon-process)\.ts'/.test(readFileSync(join(FOLDER, name), 'utf8')),
  );
  expect(live.length).toBeGreaterThan(10);
  expect(live.filter((name) => !name.endsWith('.waiting.test.ts'))).toEqual([]);
});
