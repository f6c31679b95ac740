import { describe, expect, it } from 'vitest';
import { packageOptions } from '../../../scripts/package/options.ts';

describe('what npm run package is asked for', () => {
  it('is one architecture or several, each once', () => {
    expect(packageOptions(['--arch', 'arm64', '--arch', 'amd64', '--arch', 'arm64']).architectures).toEqual([
      'amd64',
      'arm64',
    ]);
    expect(packageOptions(['--arch', 'arm64', '--level', '0'])).toMatchObject({ architectures: ['arm64'], level: 0 });
  });

  it('is an archive with its keys', () => {
    const { apt } = packageOptions(['--apt', 'archive', '--key', 'a', '--key', 'b', '--valid-days', '14']);
    expect(apt).toMatchObject({ keys: ['a', 'b'], validDays: 14 });
    expect(packageOptions([]).apt).toBeUndefined();
  });

  it('names who ships it', () => {
    const maintainer = 'Ada Lovelace <ada@roads.example>';
    expect(packageOptions(['--maintainer', maintainer]).maintainer).toBe(maintainer);
    expect(packageOptions([]).maintainer).toBeUndefined();
  });

  it.each([
    ['another architecture', ['--arch', 'mips']],
    ['a level that xz has not', ['--level', '10']],
    ['a key without an archive', ['--key', 'a']],
    ['days that are none', ['--apt', 'x', '--key', 'a', '--valid-days', '0']],
    ['an archive without a key', ['--apt', 'x']],
    ['a maintainer without an address', ['--maintainer', 'Somebody']],
    ['a maintainer of two lines', ['--maintainer', 'A\nDepends: x <a@b.example>']],
    ['a passphrase that is not there', ['--apt', 'x', '--key', 'a', '--passphrase-file', '/nonexistent/file']],
  ])('refuses %s', (_, args) => {
    expect(() => packageOptions(args)).toThrow(/usage|--key|--passphrase-file|--maintainer/);
  });
});
