import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { LONGEST } from '../support/sequencer.ts';

it('the files that are begun first exist', () => {
  expect(LONGEST.filter((name) => !existsSync(join(PACKAGE_ROOT, 'test', `${name}.test.ts`)))).toEqual([]);
});
