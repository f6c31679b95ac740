import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wrapped } from '../../bench/harness/pages/wrap.ts';

it('a paragraph is broken between words, and reads as before', () => {
  const word = fc.oneof(fc.constantFrom('-', '2.', '#1', '>=', '|', '`a'), fc.stringMatching(/^[a-z]{1,9}$/));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 80 }), (words) => {
      const lines = wrapped(words.join(' '), '  ').split('\n');
      expect(lines.map((line) => line.trim()).join(' ')).toBe(words.join(' '));
      for (const line of lines.slice(1)) expect(line).toMatch(/^ {2}[a-z`]/);
    }),
  );
  const lines = wrapped('word '.repeat(100).trim()).split('\n');
  expect(Math.max(...lines.map(({ length }) => length))).toBe(119);
});
