import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { messageOf, WaysideError } from '../../../core/errors.ts';
import { type PublicKeyDocument, verifies } from './public-key.ts';
import type { Signer } from './signer.ts';

/** The longest signature here is 72 bytes; a command that prints more is not printing one. */
const MOST_BYTES = 4096;

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
      const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = once(child, 'close') as Promise<[number | null, string | null]>;
      child.stdin.on('error', () => {}); // one that does not read what it signs fails below
      child.stdin.end(payload);
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > MOST_BYTES) {
          child.kill();
          throw failed(`printed more than ${MOST_BYTES} bytes`);
        }
        chunks.push(chunk);
      }
      const [code, signal] = await ended.catch((cause: unknown) => {
        throw failed(`cannot be started: ${messageOf(cause)}`);
      });
      if (code !== 0) throw failed(`ended with ${code ?? signal}`);
      const signature = Buffer.concat(chunks);
      if (!verifies(key, payload, signature)) throw failed('printed what is no signature of that key');
      return signature;
    },
  };
}
