import { Key, MetaFile, Root, Snapshot, TargetFile, Targets } from '@tufjs/models';
import { Delegations } from '@tufjs/models/dist/delegations.js';
import { DelegatedRole, Role } from '@tufjs/models/dist/role.js';

/**
 * What @tufjs/models 4.1.1 does to documents, mended in place for the office and the boxes alike; nobody imports anything else
 * from here than what it exports.
 *
 * - It copies the whole record for each entry that it reads or writes, before it looks at a signature: 5,000 targets took 3 s,
 *   and a document may have 150,000. Here an entry costs the same wherever it stands.
 * - It keeps delegations as properties of an object, which JavaScript sorts where a name is a number. Their order says whose word
 *   comes first, and is part of what is signed.
 * - It takes patterns for globs with braces, negation and hidden files. TUF 1.0.34, 4.5 has the wildcards of a shell, none of
 *   which stands for a slash.
 * - A target called `constructor` was found in every document.
 */

type Json = Record<string, unknown>;

/** Without a prototype, so that it has the entries and nothing else, `__proto__` among them. */
function recordOf<T, U>(entries: unknown, field: string, read: (name: string, value: T) => U): Record<string, U> {
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries)) {
    throw new TypeError(`${field} must be an object`);
  }
  const record = Object.create(null) as Record<string, U>;
  for (const [name, value] of Object.entries(entries)) record[name] = read(name, value as T);
  return record;
}

const asJson = <T>(of: { toJSON(): T }): T => of.toJSON();
const toJson = (record: Readonly<Record<string, { toJSON(): unknown }>>): Json =>
  recordOf(record, 'record', (_, value: { toJSON(): unknown }) => asJson(value));

/** The same object with some of its fields replaced, for a method that would take its time over them. */
const withFields = <T extends object>(object: T, fields: object): T => Object.assign(Object.create(object), fields);

const isThere = (value: unknown): boolean => value !== undefined && value !== null;

{
  const { fromJSON } = Targets;
  const { toJSON } = Targets.prototype;
  Targets.fromJSON = ({ targets, ...rest }): Targets => {
    const record = isThere(targets) ? recordOf(targets, 'targets', TargetFile.fromJSON) : Object.create(null);
    return Object.assign(fromJSON.call(Targets, rest), { targets: record });
  };
  Targets.prototype.toJSON = function plain(this: Targets) {
    return { ...toJSON.call(withFields(this, { targets: {} })), targets: toJson(this.targets) } as never;
  };
}

{
  const { fromJSON } = Snapshot;
  const { toJSON } = Snapshot.prototype;
  Snapshot.fromJSON = ({ meta, ...rest }): Snapshot => {
    const record = recordOf(meta, 'meta', (_, file: never) => MetaFile.fromJSON(file));
    return Object.assign(fromJSON.call(Snapshot, rest), { meta: record });
  };
  Snapshot.prototype.toJSON = function plain(this: Snapshot) {
    return { ...toJSON.call(withFields(this, { meta: {} })), meta: toJson(this.meta) } as never;
  };
}

{
  const { fromJSON } = Root;
  const { toJSON } = Root.prototype;
  Root.fromJSON = ({ keys, roles, ...rest }): Root => {
    const fields = {
      keys: recordOf(keys, 'keys', Key.fromJSON),
      roles: recordOf(roles, 'roles', (_, role: never) => Role.fromJSON(role)),
    };
    for (const name of ['root', 'timestamp', 'snapshot', 'targets']) {
      if (fields.roles[name] === undefined) throw new TypeError(`there is no role "${name}"`);
    }
    return Object.assign(fromJSON.call(Root, rest), fields);
  };
  Root.prototype.toJSON = function plain(this: Root) {
    const { keys, roles } = this;
    return {
      ...toJSON.call(withFields(this, { keys: {}, roles: {} })),
      ...{ keys: toJson(keys), roles: toJson(roles) },
    } as never;
  };
}

const written = new WeakMap<Delegations, readonly string[]>();

/** Those that a role delegates to, in the order in which they are asked. */
export function delegatesOf(delegations: Delegations): readonly DelegatedRole[] {
  const { roles = {} } = delegations;
  const names = new Set([...(written.get(delegations) ?? []), ...Object.keys(roles)]);
  return [...names].flatMap((name) => roles[name] ?? []);
}

{
  const { fromJSON } = Delegations;
  const { toJSON, rolesForTarget } = Delegations.prototype;
  Delegations.fromJSON = ({ keys, roles, ...rest }): Delegations => {
    const read = isThere(roles) ? listOf(roles).map((role) => DelegatedRole.fromJSON(role as never)) : undefined;
    for (const { name } of read ?? []) {
      if (['root', 'timestamp', 'snapshot', 'targets'].includes(name)) {
        throw new TypeError(`"${name}" cannot be delegated to`);
      }
    }
    const delegations = Object.assign(fromJSON.call(Delegations, { ...rest, keys: {} }), {
      keys: recordOf(keys, 'delegations.keys', Key.fromJSON),
      ...(read && { roles: Object.assign(Object.create(null), byName(read)) }),
    });
    if (read !== undefined)
      written.set(
        delegations,
        read.map(({ name }) => name),
      );
    return delegations;
  };
  Delegations.prototype.toJSON = function plain(this: Delegations) {
    const { roles, keys } = this;
    return {
      ...toJSON.call(withFields(this, { keys: {}, ...(roles && { roles: {} }) })),
      ...{ keys: toJson(keys), ...(roles && { roles: delegatesOf(this).map(asJson) }) },
    } as never;
  };
  Delegations.prototype.rolesForTarget = function* inOrder(this: Delegations, path) {
    if (this.roles === undefined) return yield* rolesForTarget.call(this, path);
    for (const role of delegatesOf(this)) {
      if (role.isDelegatedPath(path)) yield { role: role.name, terminating: role.terminating };
    }
  };
}

function listOf(roles: unknown): readonly unknown[] {
  if (Array.isArray(roles)) return roles;
  throw new TypeError('delegations.roles must be a list');
}

const byName = (roles: readonly DelegatedRole[]): Record<string, DelegatedRole> =>
  Object.fromEntries(roles.map((role) => [role.name, role]));

{
  const { isDelegatedPath } = DelegatedRole.prototype;
  DelegatedRole.prototype.isDelegatedPath = function matches(this: DelegatedRole, path) {
    return this.paths === undefined
      ? isDelegatedPath.call(this, path)
      : this.paths.some((pattern) => matchesPattern(path, pattern));
  };
}

/** Part by part: no wildcard stands for a slash. */
export function matchesPattern(path: string, pattern: string): boolean {
  const [parts, patterns] = [path.split('/'), pattern.split('/')];
  return parts.length === patterns.length && parts.every((part, at) => matchesPart([...part], patterns[at] ?? ''));
}

/** Whether a role may sign for some path that begins so: for one in that folder, as far as the folder is named. */
export function mayLieUnder(prefix: string, { paths }: DelegatedRole): boolean {
  const folders = prefix.split('/').slice(0, -1);
  const fits = (parts: readonly string[]): boolean =>
    parts.length > folders.length && folders.every((folder, at) => matchesPart([...folder], parts[at] ?? ''));
  return paths === undefined || paths.some((pattern) => fits(pattern.split('/')));
}

type Wildcard = 'any' | ((character: string) => boolean);

/** `*`, `?`, `[ab-c]` and `[!a]`; a bracket that is not closed stands for itself. */
function wildcardsOf(pattern: string): readonly Wildcard[] {
  return [...pattern.matchAll(/\*+|\?|\[(?:(!)|(?!!))(\]?[^\]]+|\])\]|./gsu)].map(([text, negated, set]) => {
    if (text.startsWith('*')) return 'any';
    if (text === '?') return () => true;
    if (set === undefined) return (character) => character === text;
    return (character) => inSet(character, set) !== (negated === '!');
  });
}

const inSet = (character: string, set: string): boolean =>
  [...set.matchAll(/(.)-(.)|(.)/gsu)].some(([, from, to, one]) =>
    one === undefined ? (from ?? '') <= character && character <= (to ?? '') : one === character,
  );

/** Goes back to the last `*` alone, and so takes no longer than the product of both lengths. */
function matchesPart(part: readonly string[], pattern: string): boolean {
  const wildcards = wildcardsOf(pattern);
  let [at, next, star, from] = [0, 0, -1, 0];
  while (at < part.length) {
    const wildcard = wildcards[next];
    if (wildcard === 'any') [star, from, next] = [next, at, next + 1];
    else if (wildcard?.(part[at] ?? '') === true) [at, next] = [at + 1, next + 1];
    else if (star >= 0) [from, at, next] = [from + 1, from + 1, star + 1];
    else return false;
  }
  return wildcards.slice(next).every((wildcard) => wildcard === 'any');
}
