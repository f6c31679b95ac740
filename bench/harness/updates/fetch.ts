import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../core/errors.ts';
import { TufClient } from '../../../deploy/agent/tuf/client.ts';

/**
 * A box that fetches one target until it has it, session after session, as its agent does. Every line it prints is a `FetchLine`.
 *
 *   node fetch.js FOLDER ROOT URL CA TARGET FILE
 */
export type FetchLine =
  | { readonly done: number; readonly received: number }
  | { readonly failed: string; readonly received: number }
  | { readonly end: true; readonly received: number };

const [folder = '', factoryRoot = '', url = '', ca = '', target = '', file = ''] = process.argv.slice(2);
/** Between two sessions. */
const PAUSE_MS = 1000;

const print = (line: FetchLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

let before = 0;
for (;;) {
  const client = new TufClient({ folder, factoryRoot, metadataUrl: `${url}metadata/`, limits: { ca } });
  try {
    await client.download(target, file, {
      onProgress: (done) => print({ done, received: before + client.received }),
    });
    print({ end: true, received: before + client.received });
    break;
  } catch (thrown) {
    print({ failed: messageOf(thrown), received: before + client.received });
    before += client.received;
    await delay(PAUSE_MS);
  } finally {
    await client.close();
  }
}
