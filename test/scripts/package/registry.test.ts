import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { temporaryFolder } from '../../support/folder.ts';

const NAME = 'wayside-test-part';
const MODULE = join(PACKAGE_ROOT, 'dist', 'scripts', 'package', 'registry.js');

/** A registry of one package, whose first archive goes out when it has been asked for twice: both are at it. */
describe('a package of the registry', () => {
  const folder = temporaryFolder();
  let registry: Server;
  let archive: Buffer;
  const waiting: (() => void)[] = [];
  let atOnce = 1;

  beforeAll(async () => {
    await mkdir(join(folder(), 'package'));
    await writeFile(join(folder(), 'package', 'package.json'), JSON.stringify({ name: NAME, version: '1.0.0' }));
    await writeFile(join(folder(), 'package', 'index.js'), 'module.exports = 1;\n');
    execFileSync('tar', ['-czf', 'part.tgz', 'package'], { cwd: folder() });
    archive = await readFile(join(folder(), 'part.tgz'));
    registry = createServer((request, response) => {
      if (request.url?.endsWith('.tgz')) {
        waiting.push(() => response.end(archive));
        if (waiting.length < atOnce) return;
        for (const send of waiting.splice(0)) send();
        return;
      }
      const { port } = registry.address() as AddressInfo;
      const dist = { tarball: `http://127.0.0.1:${port}/part.tgz`, integrity: integrityOf(archive) };
      const versions = { '1.0.0': { name: NAME, version: '1.0.0', dist } };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ name: NAME, 'dist-tags': { latest: '1.0.0' }, versions }));
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => registry.close());

  const integrityOf = (bytes: Buffer): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const fetchIn = async (cache: string, integrity = integrityOf(archive)): Promise<string> => {
    const wanted = { name: NAME, version: '1.0.0', integrity };
    const code = `import(${JSON.stringify(MODULE)}).then((m) => console.log(m.fetchPackage(...${JSON.stringify([wanted, cache])})))`;
    const { port } = registry.address() as AddressInfo;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      env: {
        ...process.env,
        npm_config_noproxy: '127.0.0.1',
        npm_config_registry: `http://127.0.0.1:${port}/`,
        npm_config_cache: join(cache, '..', `npm-${Math.random()}`),
      },
    });
    return stdout.trim();
  };

  it('is whole for each of two that fetch it at once into one cache, and leaves nothing beside', async () => {
    const cache = join(folder(), 'both');
    atOnce = 2;
    const found = await Promise.all([fetchIn(cache), fetchIn(cache)]);
    expect(new Set(found)).toEqual(new Set([join(cache, `${NAME}-1.0.0`, 'node_modules', NAME)]));
    expect(new Set(await readdir(found[0]!))).toEqual(new Set(['index.js', 'package.json']));
    expect(await readdir(cache)).toEqual([`${NAME}-1.0.0`]);
  });

  it('is refused where its bytes are others than those that are known', async () => {
    atOnce = 1;
    const other = integrityOf(Buffer.from('other'));
    await expect(fetchIn(join(folder(), 'other'), other)).rejects.toThrow(
      /PackagingError: .*the registry gave sha512-/s,
    );
    expect(await readdir(join(folder(), 'other'))).toEqual([]);
  });
});
