import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TufClient } from '../../deploy/agent/tuf/client.ts';
import { HttpClient } from '../../deploy/agent/tuf/http.ts';

export interface RepositoryQuestion {
  readonly url: string;
  /** Bytes of the first root. */
  readonly root: Uint8Array;
  /** PEM of the authority of its server. */
  readonly ca?: string | undefined;
  /** What the box has trusted so far: files by name. */
  readonly trusted: ReadonlyMap<string, Uint8Array>;
}

export interface RepositoryFacts {
  /** Versions of the trusted roles. */
  readonly versions: Readonly<Record<string, number>>;
  /** When the newest root expires, ms since the epoch. */
  readonly rootExpires: number;
}

const FACTORY = 'factory-root.json';

/**
 * One update session on a copy of what the box trusts: the box's own is not touched.
 *
 * @throws {WaysideError} as `TufClient.refresh`
 */
export async function probeRepository({ url, root, ca, trusted }: RepositoryQuestion): Promise<RepositoryFacts> {
  const folder = await mkdtemp(join(tmpdir(), 'wayside-doctor-'));
  const transport = new HttpClient({ ...(ca === undefined ? {} : { ca }) });
  try {
    const [factoryRoot, state] = [join(folder, FACTORY), join(folder, 'tuf')];
    await writeFile(factoryRoot, root);
    await mkdir(state);
    for (const [name, bytes] of trusted) await writeFile(join(state, name), bytes);
    const metadataUrl = new URL('metadata/', url.endsWith('/') ? url : `${url}/`).href;
    const versions = await new TufClient({ folder: state, factoryRoot, metadataUrl, transport }).refresh();
    // Where there is no later root, the first one is not kept beside it.
    const later = await readFile(join(state, 'root.json')).catch(() => root);
    const newest = JSON.parse(Buffer.from(later).toString('utf8')) as {
      readonly signed: { readonly expires: string };
    };
    return { versions, rootExpires: Date.parse(newest.signed.expires) };
  } finally {
    await transport.close();
    await rm(folder, { recursive: true, force: true });
  }
}
