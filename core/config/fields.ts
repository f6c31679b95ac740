import { z } from 'zod';
import { redactUrls } from '../log.ts';

/** What configurations of boxes are made of. No secret is ever a value: `passwordFile` and `passwordEnv` say where it is. */

/** Ids become levels of MQTT topics and names in file paths: no `/`, `+`, `#`, `$`, spaces or dots. */
const ID_RULE = '1 to 64 letters, digits, `-` or `_`, starting with a letter or digit';
export const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: ID_RULE });

export const path = z.string().min(1, { error: 'a path' });

/** A number within bounds, said as the reader would: `a number from 1 to 60`. */
export const within = (min: number, max: number): z.ZodNumber => {
  const error = `a number from ${min} to ${max}`;
  return z.number({ error }).min(min, { error }).max(max, { error });
};
export const integerWithin = (min: number, max: number): z.ZodInt => {
  const error = `a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

function parsedUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** An address without credentials: these belong in `username` and `passwordFile` or `passwordEnv`. */
export function address(protocols: readonly string[]): z.ZodType<string, string> {
  return z.string().check((context) => {
    const url = parsedUrl(context.value);
    const issue = (message: string): void => {
      context.issues.push({ code: 'custom', message, input: redactUrls(context.value) });
    };
    if (url === undefined || !protocols.includes(url.protocol.slice(0, -1)) || url.hostname === '') {
      issue(`an address like ${protocols[0]}://host`);
    } else if (url.username !== '' || url.password !== '') {
      issue('an address without credentials; put them into `username` and `passwordFile` or `passwordEnv`');
    }
  });
}

export const secret = {
  username: z.string().min(1).optional(),
  /** Absolute, or relative to the folder of the configuration file. */
  passwordFile: path.optional(),
  passwordEnv: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'the name of an environment variable' })
    .optional(),
};

export const onePassword = { error: 'at most one of `passwordFile` and `passwordEnv`' };
export const hasOnePassword = (value: {
  passwordFile?: string | undefined;
  passwordEnv?: string | undefined;
}): boolean => value.passwordFile === undefined || value.passwordEnv === undefined;
