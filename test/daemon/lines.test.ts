import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { onLines } from '../../daemon/lines.ts';

it('lines of a stream are the same however its bytes are cut', async () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
  await fc.assert(
    fc.asyncProperty(fc.array(line), line, fc.integer({ min: 1, max: 7 }), async (lines, unfinished, size) => {
      const stream = new PassThrough();
      const heard: string[] = [];
      onLines(stream, (each) => heard.push(each));
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join('') + unfinished);
      for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
      stream.end();
      await once(stream, 'end');
      expect(heard).toEqual(lines);
    }),
  );
});
