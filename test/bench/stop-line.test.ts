import { expect, it } from 'vitest';
import { stopLine } from '../../bench/street/stop-line.ts';

it('counts a vehicle once that waits on the line while its id changes', () => {
  const result = stopLine(40, 7);
  expect(result).toMatchObject({ waits: 40, counted: 40, wrong: 0 });
  expect(result.idSwitches).toBeGreaterThan(40);
});
