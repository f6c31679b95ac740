import { readdirSync } from 'node:fs';
import { fileLimit } from '../core/shortage.ts';

/** Files that this process has open; undefined where the system does not tell. */
export function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}

/** A decoder has four pipes; its camera is asked first, over one connection. */
const FILES_A_CAMERA = 6;
/** Two inference processes during a swap with three pipes each, broker, page, a file being read, and room to spare. */
const FILES_BESIDES = 24;

/**
 * Whether the cameras will find enough file descriptors.
 *
 * @param open those in use before anything is started
 * @returns what is short, for a person; undefined when there is enough
 */
export function filesShort(cameras: number, open: number | undefined, limit = fileLimit()): string | undefined {
  if (limit === undefined || open === undefined) return undefined;
  const needed = open + FILES_A_CAMERA * cameras + FILES_BESIDES;
  return limit >= needed
    ? undefined
    : `${limit} file descriptors allowed, about ${needed} needed for ${cameras} cameras (LimitNOFILE= in the unit, or ulimit -n)`;
}
