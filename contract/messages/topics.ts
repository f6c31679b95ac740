import { CONTRACT_VERSION } from './envelope.ts';
import { type KindName, MESSAGE_KINDS, type TopicParameters } from './kinds.ts';

const PARAMETER = /\{([^}]+)\}/g;
/** A value is one level of a topic, and no wildcard (MQTT 5, 4.7). */
const ONE_LEVEL = /^[^/+#\0]+$/;

/** `wayside/v1/<site>/<box>` */
export const rootTopic = (site: string, box: string): string => `wayside/v${CONTRACT_VERSION}/${site}/${box}`;

/** `wayside/v1/<site>/_group/<group>/model/desired`: a job for every box that names the group. `_group` is no id of a box. */
export const groupTopic = (site: string, group: string): string =>
  topicUnder(rootTopic(site, '_group'), `{group}/${MESSAGE_KINDS['model-desired'].topic}`, { group });

/** `wayside/v1/<site>/_office`: what the office says to itself. `_office` is no id of a box. */
export const officeRoot = (site: string): string => rootTopic(site, '_office');

/** The names in braces of a pattern, in order. */
export const parametersIn = (pattern: string): string[] =>
  [...pattern.matchAll(PARAMETER)].map(([, name = '']) => name);

/** The topic that a pattern is with these values; values that it does not name are not used. */
export function topicUnder(root: string, pattern: string, values: Readonly<Record<string, string>>): string {
  const filled = pattern.replace(PARAMETER, (_, name: string) => {
    const value = values[name] ?? '';
    if (!ONE_LEVEL.test(value))
      throw new Error(`${pattern}: expected one level of a topic for ${name}, got '${value}'`);
    return value;
  });
  return `${root}/${filled}`;
}

/** The topic of a message under a root. */
export function topicOf<K extends KindName>(root: string, kind: K, ...[values]: TopicParameters<K>): string {
  return topicUnder(root, MESSAGE_KINDS[kind].topic, values ?? {});
}

/** The values of a pattern's parameters in a topic below the root; undefined where it is a topic of another pattern. */
export function valuesIn(pattern: string, below: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const levels = below.split('/');
  if (wanted.length !== levels.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, level] of levels.entries()) {
    const [name] = parametersIn(wanted[index] ?? '');
    if (name !== undefined) values[name] = level;
    else if (wanted[index] !== level) return undefined;
  }
  return values;
}
