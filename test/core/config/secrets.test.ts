import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSecret } from '../../../core/config/secrets.ts';
import { temporaryFolder } from '../../support/folder.ts';

describe('a password in a file', () => {
  const folder = temporaryFolder();
  const read = async (content: Uint8Array | string): Promise<string | undefined> => {
    await writeFile(join(folder(), 'secret'), content);
    return await readSecret({ passwordFile: 'secret' }, 'mqtt', folder(), {});
  };

  it.each([
    ['as it stands', 'pass word ', 'pass word '],
    ['with the end of its line', 'päss\n', 'päss'],
    ['of an editor of Windows', '\ufeffpass\r\n', 'pass'],
  ])('is read %s', async (_, content, expected) => {
    expect(await read(content)).toBe(expected);
  });

  it.each([
    ['nothing', '', /is empty/],
    ['an empty line', '\n', /is empty/],
    ['Latin-1', Buffer.from('p\xe4ss\n', 'latin1'), /one line of text in UTF-8/],
    ['UTF-16', Buffer.from('\ufeffpass\r\n', 'utf16le'), /one line of text in UTF-8/],
    ['UTF-16 without its mark', Buffer.from('pass', 'utf16le'), /one line of text in UTF-8/],
    ['a key', '-----BEGIN X-----\nAA==\n-----END X-----\n', /one line of text in UTF-8/],
    ['two lines', 'pass\n\n', /one line of text in UTF-8/],
  ])('is refused where it is %s, and not told', async (_, content, message) => {
    const thrown: unknown = await read(content).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: 'SECRET_UNREADABLE', message: expect.stringMatching(message) });
    expect(JSON.stringify(thrown)).not.toContain('pass');
  });
});
