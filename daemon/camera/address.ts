import { redactUrls } from '../../core/log.ts';
import type { CameraOptions } from './types.ts';

type Address = Pick<CameraOptions, 'url' | 'username' | 'password'>;

/** The address with the credentials in it, escaped; a URL that brings its own keeps them unless others are given. */
export function addressOf({ url, username, password }: Address): string {
  const scheme = /^(rtsps?:\/\/)([^@/?#]*@)?(.*)$/i.exec(url);
  if (username === undefined || scheme === null) return url;
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  return `${scheme[1]}${encodeURIComponent(username)}${secret}@${scheme[3]}`;
}

/** True when an address must not be seen in a process list. */
export function hasCredentials(address: Address): boolean {
  return address.username !== undefined || /^rtsps?:\/\/[^/?#]*@/i.test(address.url);
}

/** Makes any text about a camera fit to be logged: no credentials of URLs, no password in any of its spellings. */
export function redactorFor({ url, password }: Address): (text: string) => string {
  const inUrl = /^rtsps?:\/\/[^/@?#:]*:([^/?#]*)@/i.exec(url)?.[1];
  const secrets = [password, inUrl].filter((secret) => secret !== undefined && secret !== '') as string[];
  const spellings = secrets.flatMap((secret) => [secret, encodeURIComponent(secret), encodeURI(secret)]);
  const longestFirst = [...new Set(spellings)].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((clean, secret) => clean.replaceAll(secret, '***'), redactUrls(text));
}
