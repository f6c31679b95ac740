import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { startChild } from '../../daemon/child.ts';
import { ChildInput } from '../../daemon/child-input.ts';
import { until } from '../support/until.ts';

/** Prints the digest of all that it reads, once there is no more; reads as the inference process does, and late. */
const READER = `
const { createHash } = require('node:crypto');
const { readSync } = require('node:fs');
const hash = createHash('sha256');
const buffer = Buffer.alloc(50_000);
for (let read; (read = readSync(0, buffer, 0, buffer.length, null)) > 0; ) hash.update(buffer.subarray(0, read));
process.stdout.write(hash.digest('hex'));
`;

it.each([
  ['fits into the pipe', 1000],
  ['is several times what the pipe holds', 700_000],
])('delivers whole and in order what %s, and then the end', async (_what, bytes) => {
  const input = new ChildInput(65_536);
  const child = startChild(process.execPath, ['-e', READER], { stdio: [input.stdio, 'pipe', 'inherit'] });
  const errors: Error[] = [];
  input.open(child, 0, (error) => errors.push(error));
  const expected = createHash('sha256');
  for (let frame = 0; frame < 4; frame++) {
    const parts = [Uint8Array.from([frame, 1, 2]), new Uint8Array(bytes).fill(frame + 1)];
    for (const part of parts) expected.update(part);
    input.write(parts);
  }
  input.end();
  expect(await text(child.stdout as Readable)).toBe(expected.digest('hex'));
  expect(errors).toEqual([]);
});

it('a child that is gone is told of, and does no harm', async () => {
  const input = new ChildInput();
  const child = startChild('true', [], { stdio: [input.stdio, 'ignore', 'ignore'] });
  const errors: Error[] = [];
  input.open(child, 0, (error) => errors.push(error));
  await once(child, 'exit');
  input.write([new Uint8Array(100)]);
  input.write([new Uint8Array(100)]);
  await until('the error', () => errors.length > 0);
  expect(errors[0]).toMatchObject({ code: 'EPIPE' });
  input.end();
});
