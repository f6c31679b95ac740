import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { messageOf, WaysideError } from '../../../core/errors.ts';
import { type PublicKeyDocument, verifies } from './public-key.ts';
import type { Signer } from './signer.ts';

/** The longest signature here is 72 bytes; a command that prints more is not printing one. */
const MOST_BYTES = 4096;

/**
 * Node gives a child sockets, and nobody opens a socket by `/dev/stdin` or `/dev/stdout`, as tools for tokens have to be told to: the
 * command stands between two pipes. How it ended is said on descriptor 3, since a shell tells of the last part alone.
 */
const BETWEEN_PIPES = 'cat | { (eval "$1") 3>&-; echo "$?" >&3; } | cat';

/**
 * A key that never leaves its token or vault: the command gets what is to be signed on stdin and prints the signature, raw as
 * the scheme has it (DER for ECDSA). It may ask its owner for a PIN on the terminal; its stderr is passed through.
 */
export function commandSigner(command: string, key: PublicKeyDocument): Signer {
  const failed = (fact: string): WaysideError =>
    new WaysideError('SIGNER_FAILED', { message: `the signing command ${fact}`, hint: command });
  return {
    key,
    async sign(payload) {
      const child = spawn('/bin/sh', ['-c', BETWEEN_PIPES, 'sh', command], {
        stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      });
      const ended = once(child, 'close') as Promise<[number | null, string | null]>;
      const [stdin, stdout, , status] = child.stdio as unknown as [Writable, Readable, null, Readable];
      let said = '';
      status.on('data', (text: Buffer) => {
        said += text.toString();
      });
      stdin.on('error', () => {}); // one that does not read what it signs fails below
      stdin.end(payload);
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of stdout as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > MOST_BYTES) {
          child.kill();
          throw failed(`printed more than ${MOST_BYTES} bytes`);
        }
        chunks.push(chunk);
      }
      const [, signal] = await ended.catch((cause: unknown) => {
        throw failed(`cannot be started: ${messageOf(cause)}`);
      });
      if (said.trim() !== '0') throw failed(`ended with ${said.trim() || signal}`);
      const signature = Buffer.concat(chunks);
      if (!verifies(key, payload, signature)) throw failed('printed what is no signature of that key');
      return signature;
    },
  };
}
