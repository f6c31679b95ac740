/** A JSON schema (2020-12), as far as the schemas of the test data go. */
export interface Schema {
  readonly $id?: string;
  readonly [keyword: string]: unknown;
}

type Document = Record<string, unknown>;
const isDocument = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;

/** Says nothing about what it is checked by: annotations and the parts that `check` reads together with others. */
const PASSIVE = ['$schema', '$id', '$defs', 'title', 'description', 'then'];

/** What is wrong with a value, by a schema that may refer to `schemas` by their `$id`. Throws at a keyword it does not know. */
export function schemaProblems(value: unknown, root: Schema, schemas: readonly Schema[]): string[] {
  const check = (at: string, given: unknown, schema: Schema, base: Schema): string[] =>
    Object.entries(schema).flatMap(([keyword, wanted]) => problems(at, given, keyword, wanted, schema, base));
  const problems = (
    at: string,
    given: unknown,
    keyword: string,
    wanted: unknown,
    schema: Schema,
    base: Schema,
  ): string[] => {
    const wrong = (holds: boolean): string[] => (holds ? [] : [`${at}: ${keyword} ${JSON.stringify(wanted)}`]);
    const document = isDocument(given) ? given : {};
    const list = Array.isArray(given) ? given : [];
    switch (keyword) {
      case 'type':
        return wrong(
          [wanted].flat().some((type) => type === typeOf(given) || (type === 'number' && typeof given === 'number')),
        );
      case 'const':
        return wrong(given === wanted);
      case 'enum':
        return wrong((wanted as unknown[]).includes(given));
      case 'pattern':
        return wrong(typeof given !== 'string' || new RegExp(wanted as string).test(given));
      case 'minLength':
        return wrong(typeof given !== 'string' || given.length >= (wanted as number));
      case 'minItems':
        return wrong(!Array.isArray(given) || given.length >= (wanted as number));
      case 'maxItems':
        return wrong(!Array.isArray(given) || given.length <= (wanted as number));
      case 'minProperties':
        return wrong(!isDocument(given) || Object.keys(given).length >= (wanted as number));
      case 'exclusiveMinimum':
        return wrong(typeof given !== 'number' || given > (wanted as number));
      case 'required':
        return (wanted as string[]).filter((key) => !(key in document)).map((key) => `${at}: ${key} is missing`);
      case 'properties':
        return Object.entries(wanted as Record<string, Schema>).flatMap(([key, each]) =>
          key in document ? check(`${at}.${key}`, document[key], each, base) : [],
        );
      case 'additionalProperties': {
        const others = Object.keys(document).filter((key) => !(key in ((schema['properties'] ?? {}) as object)));
        if (wanted === true) return [];
        if (wanted === false) return others.map((key) => `${at}: ${key} is not known`);
        return others.flatMap((key) => check(`${at}.${key}`, document[key], wanted as Schema, base));
      }
      case 'items':
        return list.flatMap((each, i) => check(`${at}[${i}]`, each, wanted as Schema, base));
      case 'anyOf':
        return wrong((wanted as Schema[]).some((each) => check(at, given, each, base).length === 0));
      case 'if':
        return check(at, given, wanted as Schema, base).length > 0
          ? []
          : check(at, given, schema['then'] as Schema, base);
      case '$ref': {
        const [id, path = ''] = (wanted as string).split('#');
        const target = id === '' ? base : schemas.find(({ $id }) => $id === id);
        if (target === undefined) throw new Error(`no schema ${id}`);
        const found = path
          .split('/')
          .slice(1)
          .reduce<unknown>((inside, key) => (inside as Document)[key], target);
        return check(at, given, found as Schema, target);
      }
      default:
        if (!PASSIVE.includes(keyword)) throw new Error(`keyword ${keyword} is not known`);
        return [];
    }
  };
  return check('$', value, root, root);
}
