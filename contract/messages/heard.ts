import { type KindName, MESSAGE_KINDS, type MessageOf } from './kinds.ts';
import { valuesIn } from './topics.ts';

/** `wayside/v1/<site>/<box>/` has four levels, `wayside/v1/<site>/_group/<group>/` one more. */
const rootLevels = (levels: readonly string[]): number => (levels[3] === '_group' ? 5 : 4);

/** Of which kind a message on this topic is, and what its topic says; undefined where the contract knows no such topic. */
export function kindOf(
  topic: string,
): { readonly kind: KindName; readonly parameters: Readonly<Record<string, string>> } | undefined {
  const levels = topic.split('/');
  const below = levels.slice(rootLevels(levels)).join('/');
  for (const kind of Object.keys(MESSAGE_KINDS) as KindName[]) {
    const parameters = valuesIn(MESSAGE_KINDS[kind].topic, below);
    if (parameters !== undefined) return { kind, parameters };
  }
  return undefined;
}

/**
 * A message as it came, checked against the contract.
 *
 * @returns undefined for an empty one: a retained topic that was removed
 * @throws {SyntaxError | ZodError} what breaks the contract
 */
export function readMessage<K extends KindName>(kind: K, payload: Buffer): MessageOf<K> | undefined {
  if (payload.length === 0) return undefined;
  return MESSAGE_KINDS[kind].schema.parse(JSON.parse(payload.toString('utf8'))) as MessageOf<K>;
}
