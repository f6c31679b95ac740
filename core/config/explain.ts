import { z } from 'zod';
import { redactUrls } from '../log.ts';
import { nearestWord } from './nearest.ts';

interface Explanation {
  readonly path: readonly PropertyKey[];
  /** The unknown key inside `path`, when that is what is wrong. */
  readonly key?: string;
  readonly message: string;
  readonly hint?: string;
}

/** Words under which people write secrets by mistake; what stands there is never repeated. */
const SECRET_WORD = /pass|pwd|secret|token|credential/i;

/** Says what was expected and what was found, never repeating a value that could be a secret. */
export function explain(issue: z.core.$ZodIssue, data: unknown, schema: z.ZodType): Explanation {
  if (issue.code === 'unrecognized_keys') return explainUnknownKey(issue.path, issue.keys, keysAt(schema, issue.path));
  const found = describeFound(issue.path, data);
  const message = `expected ${expected(issue)}, found ${found}`;
  if (issue.message.startsWith('an address without credentials')) {
    return {
      path: issue.path,
      message: 'expected an address without credentials, found one with a user or password',
      hint: 'write `username`, and the password as `passwordFile: PATH` or `passwordEnv: NAME`',
    };
  }
  return { path: issue.path, message };
}

function expected(issue: z.core.$ZodIssue): string {
  if (!/^(Invalid|Too|Unrecognized|Expected)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return withArticle(issue.expected);
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' ? 'a text that is not empty' : `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
};
const withArticle = (type: string): string => TYPE_WORDS[type] ?? type;

function describeFound(path: readonly PropertyKey[], data: unknown): string {
  let value = data;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return value.every((item) => typeof item === 'number') ? JSON.stringify(value) : 'a list';
  if (typeof value === 'object') return 'a map';
  if (path.some((step) => SECRET_WORD.test(String(step)))) return `a ${typeof value}`;
  const text = redactUrls(JSON.stringify(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function explainUnknownKey(
  path: readonly PropertyKey[],
  keys: readonly string[],
  known: readonly string[],
): Explanation {
  const key = keys[0] ?? '';
  if (/^(password|pass|pwd)$/i.test(key)) {
    return {
      path,
      key,
      message: `expected no password inside the configuration, found the key \`${key}\``,
      hint: 'name the place of the password with `passwordFile: PATH` or `passwordEnv: NAME`',
    };
  }
  const near = nearestWord(key, known);
  return {
    path,
    key,
    message: `expected one of ${known.join(', ')}, found the key \`${key}\``,
    ...(near === undefined ? {} : { hint: `did you mean \`${near}\`?` }),
  };
}

/** Keys of the map at a path, whatever its schema is wrapped in. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.$ZodType | undefined = bare(schema);
  for (const step of path) {
    if (at instanceof z.ZodArray) at = bare(at.element);
    else if (at instanceof z.ZodObject) at = bare((at.shape as Record<PropertyKey, z.core.$ZodType>)[step]);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

/** Without what only says that a value may be missing. */
function bare(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return bare(schema.def.innerType);
  return schema;
}
