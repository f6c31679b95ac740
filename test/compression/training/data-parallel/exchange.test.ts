import { closeSync, existsSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  consecutive,
  exchangeFolder,
  readFloats,
  writeFloats,
} from '../../../../compression/training/data-parallel/exchange.ts';
import { temporaryFolder } from '../../../support/folder.ts';

const folder = temporaryFolder();

function opened(path: string, flags: string): number {
  const file = openSync(path, flags);
  onTestFinished(() => closeSync(file));
  return file;
}

it('hands numbers over, one array behind another, from any position', () => {
  const file = opened(join(folder(), 'numbers'), 'wx+');
  writeFloats(file, [Float32Array.of(1, 2), Float32Array.of(3)], 2);
  writeFloats(file, [Float32Array.of(8, 9)]);
  const memory = new Float32Array(5);
  readFloats(file, memory);
  expect(consecutive(memory, [2, 2, 1]).map((array) => [...array])).toEqual([[8, 9], [1, 2], [3]]);
  readFloats(file, memory.subarray(0, 2), 3);
  expect([...memory]).toEqual([2, 3, 1, 2, 3]);
});

it('says so when less was handed over than there should be', () => {
  const file = opened(join(folder(), 'short'), 'wx+');
  writeFloats(file, [Float32Array.of(1, 2)]);
  expect(() => readFloats(file, new Float32Array(3))).toThrow(expect.objectContaining({ code: 'TRAINING_LOST' }));
});

it.skipIf(!existsSync('/dev/full'))('says so when there is no room', () => {
  const file = opened('/dev/full', 'r+');
  expect(() => writeFloats(file, [new Float32Array(4)])).toThrow(
    expect.objectContaining({ code: 'FILE_WRITE_FAILED' }),
  );
});

it('goes to the disk with more than memory has room for', () => {
  expect(exchangeFolder(2 ** 60)).toBe(tmpdir());
});
