import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ReadStream, WriteStream } from 'node:tty';
import { WaysideError } from '../core/errors.ts';

/** @returns what an open file descriptor holds; undefined where it cannot be read */
export async function readDescriptor(fd: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream('', { fd, autoClose: false })) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Reads a line from the terminal without showing it. stdout stays free for the result.
 *
 * @returns undefined where there is no terminal, or it was closed
 * @throws {WaysideError} INTERRUPTED
 */
export async function askUnseen(prompt: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  if (!(stdin instanceof ReadStream) || !(stderr instanceof WriteStream)) return undefined;
  const lines = createInterface({ input: stdin, terminal: true });
  stdin.setRawMode(true);
  stderr.write(prompt); // not before: whoever types at once would see it echoed
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      lines.once('line', resolve);
      lines.once('SIGINT', () => reject(new WaysideError('INTERRUPTED', { message: 'stopped by a signal' })));
      lines.once('close', () => resolve(undefined));
    });
  } finally {
    lines.close();
    stderr.write('\n');
  }
}
