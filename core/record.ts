import type { ZodType } from 'zod';
import { digestOf } from './hash.ts';

/**
 * A small file of state with the digest of its own content: `{"body": ..., "digest": "sha256:..."}`. One that was cut short,
 * zeroed or flipped reads as undefined, never as other state.
 */
export function encodeRecord(body: unknown): string {
  return `${JSON.stringify({ body, digest: digestOf(JSON.stringify(body)) })}\n`;
}

/** @returns undefined for anything but a whole record of that schema */
export function decodeRecord<T>(bytes: Uint8Array, schema: ZodType<T>): T | undefined {
  try {
    const { body, digest } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { body?: unknown; digest?: unknown };
    if (digest !== digestOf(JSON.stringify(body))) return undefined;
    return schema.safeParse(body).data;
  } catch {
    return undefined;
  }
}
