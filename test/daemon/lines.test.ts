import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineSplitter } from '../../daemon/lines.ts';

it('lines of a stream are the same however its bytes are cut, and whatever becomes of their memory', () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(line), line, fc.integer({ min: 1, max: 7 }), (lines, unfinished, size) => {
      const heard: string[] = [];
      const split = lineSplitter((each) => heard.push(each));
      const bytes = Buffer.from(lines.map((each) => `${each}\n`).join('') + unfinished);
      const memory = Buffer.alloc(size);
      for (let at = 0; at < bytes.length; at += size) split(memory.subarray(0, bytes.copy(memory, 0, at)));
      expect(heard).toEqual(lines);
    }),
  );
});
