/** `user:password@` in any URL inside a text: decoders print the address they were given. */
const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^/\s@'"]+@/gi;

/** Replaces the credentials of every URL in a text. */
export function redactUrls(text: string): string {
  return text.replace(URL_CREDENTIALS, '$1***@');
}
