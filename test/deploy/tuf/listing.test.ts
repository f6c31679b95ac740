import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, servedRepository } from '../../support/tuf-box.ts';
import type { TufTestRepository } from '../../support/tuf-repository.ts';

const folder = temporaryFolder();
let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder()));
});
afterEach(() => server.close());

describe('what lies under a folder', () => {
  const under = async (prefix: string): Promise<readonly string[]> =>
    (await box.session((client) => client.targetsUnder(prefix))).map(({ path }) => path);

  it('is listed of every role that may sign there, whatever its patterns look like, and of no other', async () => {
    for (const [name, pattern] of [
      ['bundles', 'signs/*.bundle'],
      ['second', 'signs/v2*'],
      ['cars', 'cars/*'],
    ] as const) {
      const role = repository.delegate(name, [pattern]);
      for (const path of ['signs/1.bundle', 'signs/v2.1', 'cars/1']) repository.add(path, Buffer.from(path), role);
    }
    const deep = repository.delegate('deep', ['signs/deep-?'], repository.delegated['bundles']);
    repository.add('signs/deep-1', Buffer.from('no role above may sign for it'), deep);
    repository.next();
    expect(await under('signs/')).toEqual(['signs/1.bundle', 'signs/v2.1']);
    expect(server.requests.filter((path) => path.includes('cars'))).toEqual([]);
    expect(await under('cars/')).toEqual(['cars/1']);
    expect(await under('ships/')).toEqual([]);
  });
});
