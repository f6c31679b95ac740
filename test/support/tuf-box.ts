import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TufClient, type TufClientOptions } from '../../deploy/agent/tuf/client.ts';
import { type FileServer, serveFiles } from './file-server.ts';
import { TufTestRepository } from './tuf-repository.ts';

export interface Box {
  readonly folder: string;
  /** Runs one session. */
  session<T>(work: (client: TufClient) => Promise<T>, options?: Partial<TufClientOptions>): Promise<T>;
  /** Refreshes once; the versions of the trusted roles. */
  refresh(options?: Partial<TufClientOptions>): Promise<Readonly<Record<string, number>>>;
  /** Fetches one target; its bytes. */
  fetch(path: string, options?: Partial<TufClientOptions>): Promise<string>;
  /** Names of the metadata and floors on its disk. */
  state(): Promise<readonly string[]>;
}

/** A box with a factory root, as it comes out of the workshop. */
export async function newBox(inside: string, factoryRoot: Uint8Array, url: string): Promise<Box> {
  const folder = await mkdtemp(join(inside, 'box-'));
  const trusted = join(folder, 'tuf');
  await mkdir(trusted);
  await writeFile(join(folder, 'root.json'), factoryRoot);
  const session: Box['session'] = async (work, options = {}) => {
    const client = new TufClient({
      folder: trusted,
      factoryRoot: join(folder, 'root.json'),
      metadataUrl: `${url}metadata/`,
      ...options,
    });
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  };
  return {
    folder: trusted,
    session,
    refresh: (options) => session((client) => client.refresh(), options),
    async fetch(path, options) {
      const file = join(folder, 'target');
      await session((client) => client.download(path, file), options);
      return readFile(file, 'utf8');
    },
    state: async () => (await readdir(trusted)).sort(),
  };
}

/** A repository with some targets, or as it begins, served over HTTP, and a box that trusts it. */
export async function servedRepository(
  inside: string,
  targets: Readonly<Record<string, string | Uint8Array>> = {},
  options?: ConstructorParameters<typeof TufTestRepository>[0],
): Promise<{ readonly repository: TufTestRepository; readonly server: FileServer; readonly box: Box }> {
  const repository = new TufTestRepository(options);
  for (const [path, content] of Object.entries(targets)) repository.add(path, Buffer.from(content));
  if (Object.keys(targets).length > 0) repository.next();
  const server = await serveFiles(repository.served);
  return { repository, server, box: await newBox(inside, repository.factoryRoot, server.url) };
}
