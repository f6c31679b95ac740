import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { diskFiles } from '../../core/file-system.ts';
import type { LoadedAgentConfig } from './config/load.ts';
import { TufClient } from './tuf/client.ts';
import { FolderTransport } from './tuf/folder-transport.ts';
import { HttpClient } from './tuf/http.ts';
import { PacedTransport } from './tuf/paced-transport.ts';
import type { Transport } from './tuf/transport.ts';
import type { Source } from './work.ts';

const DAY_MS = 86_400_000;
const MB = 1e6;

/** The ways to the repository: over the network, within limits that hold over all sessions of a day, or on a stick. */
export class Repositories {
  readonly #loaded: LoadedAgentConfig;
  #network: Transport | undefined;
  #since = 0;

  constructor(loaded: LoadedAgentConfig) {
    this.#loaded = loaded;
  }

  /** A new session; what it trusts is that of all sessions. */
  open(source: Source): TufClient {
    const { store, repository, usb } = this.#loaded.config;
    const stick = source === 'stick' && usb !== undefined;
    const base = stick ? `${pathToFileURL(usb).href}/` : slashed(repository.url);
    return new TufClient({
      folder: join(store, 'tuf'),
      factoryRoot: repository.root,
      metadataUrl: new URL('metadata/', base).href,
      transport: stick ? new FolderTransport(diskFiles) : this.#overNetwork(),
    });
  }

  async close(): Promise<void> {
    await this.#network?.close();
  }

  #overNetwork(): Transport {
    const now = performance.now();
    if (this.#network !== undefined && now - this.#since < DAY_MS) return this.#network;
    void this.#network?.close();
    const { most, least, dailyMb } = this.#loaded.config.download;
    const { repositoryAuthority: ca } = this.#loaded;
    const http = new HttpClient({
      minimumRate: least,
      ...(dailyMb === undefined ? {} : { quotaBytes: dailyMb * MB }),
      ...(ca === undefined ? {} : { ca }),
    });
    this.#network = most === undefined ? http : new PacedTransport(http, most);
    this.#since = now;
    return this.#network;
  }
}

const slashed = (url: string): string => (url.endsWith('/') ? url : `${url}/`);
