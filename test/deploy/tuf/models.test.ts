import { Metadata, MetadataKind, type Targets } from '@tufjs/models';
import { describe, expect, it } from 'vitest';
import { payloadOf } from '../../../deploy/payload.ts';
import { delegatesOf, matchesPattern } from '../../../deploy/tuf-models.ts';

const common = { spec_version: '1.0.34', version: 1, expires: '2040-01-01T00:00:00Z' };
const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '00' } };
const read = (signed: object): Metadata<Targets> =>
  Metadata.fromJSON(MetadataKind.Targets, {
    signed: { _type: 'targets', ...common, ...signed },
    signatures: [],
  } as never);

describe('a pattern of paths (TUF 1.0.34, 4.5)', () => {
  it.each([
    ['a/*', 'a/b'],
    ['a/*', 'a/.hidden'],
    ['*', '.hidden'],
    ['a/*/c', 'a/b/c'],
    ['a/b-?.tgz', 'a/b-1.tgz'],
    ['?', '🚦'],
    ['*a*b*', 'xaxbx'],
    ['**', 'a'],
    ['v[0-9].onnx', 'v7.onnx'],
    ['v[!0-9]', 'vx'],
    ['[]a]', ']'],
    ['[a-]', '-'],
    ['[', '['],
    ['[!]', '[!]'],
    ['{a,b}', '{a,b}'],
    ['!a', '!a'],
    ['#a', '#a'],
    ['+(a)', '+(a)'],
    ['a\\*', 'a\\b'],
  ])('%s takes %s', (pattern, path) => expect(matchesPattern(path, pattern)).toBe(true));

  it.each([
    ['a/*', 'a/b/c'],
    ['a/*', 'a'],
    ['**', 'a/b'],
    ['a/**', 'a/b/c'],
    ['*.md', 'README.MD'],
    ['?', ''],
    ['?', 'ab'],
    ['{a,b}', 'a'],
    ['!a', 'b'],
    ['+(a)', 'aa'],
    ['v[0-9]', 'vx'],
    ['v[!0-9]', 'v7'],
    ['a[/]b', 'a/b'],
    ['', 'a'],
  ])('%s does not take %s', (pattern, path) => expect(matchesPattern(path, pattern)).toBe(false));

  it('costs no more than its length times that of the path', () => {
    const before = process.cpuUsage();
    expect(matchesPattern('a'.repeat(2_000), `${'*a'.repeat(1_000)}b`)).toBe(false);
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});

describe('a document', () => {
  it('keeps delegations in the order that was signed, whatever their names are', () => {
    const roles = ['b', '10', '2', 'a', '01'].map((name) => ({
      ...{ name, keyids: ['k'], threshold: 1, terminating: false, paths: ['*'] },
    }));
    const delegations = { keys: { k: key }, roles };
    const metadata = read({ targets: {}, delegations });
    const parsed = metadata.signed.delegations;
    if (parsed === undefined) throw new Error('no delegations');
    const names = roles.map(({ name }) => name);
    expect(delegatesOf(parsed).map(({ name }) => name)).toEqual(names);
    expect([...parsed.rolesForTarget('x')].map(({ role }) => role)).toEqual(names);
    expect(metadata.toJSON()).toMatchObject({ signed: { delegations } });
    expect(
      JSON.parse(payloadOf(metadata).toString()).delegations.roles.map(({ name }: { name: string }) => name),
    ).toEqual(names);
  });

  it('has the targets that it lists and no others', () => {
    const file = { length: 0, hashes: { sha256: '00' } };
    const { signed } = read({
      targets: JSON.parse(`{"__proto__": ${JSON.stringify(file)}, "a": ${JSON.stringify(file)}}`),
    });
    expect(Object.keys(signed.targets)).toEqual(expect.arrayContaining(['__proto__', 'a']));
    expect(signed.targets['constructor']).toBeUndefined();
    expect(signed.targets['toString']).toBeUndefined();
  });

  it.each(['targets', 'keys'])('of many %s is read and written in a time that grows with them', (what) => {
    const many = (count: number, entry: object): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`e${at}`, entry]));
    const cpuOf = (count: number): number => {
      const keys = many(what === 'keys' ? count : 0, key);
      const targets = many(what === 'targets' ? count : 0, { length: 0, hashes: { sha256: '00' } });
      // The collector's threads count as well: the least of some is what it takes.
      const tries = [0, 1, 2].map(() => {
        const before = process.cpuUsage();
        payloadOf(read({ targets, delegations: { keys, roles: [] } }));
        return process.cpuUsage(before).user;
      });
      return Math.min(...tries);
    };
    cpuOf(1_000);
    expect(cpuOf(20_000) / cpuOf(2_000)).toBeLessThan(40); // one of squares: 100
  });
});
