import { execFile } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { temporaryFolder } from '../support/folder.ts';
import { registryPassage } from '../support/registry-passage.ts';

const run = promisify(execFile);
const bare = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^ONNXRUNTIME_NODE_INSTALL/.test(name)),
);

/** The install script of the runtime itself, unpacked as npm unpacks it, with nothing that it looks for already there. */
describe.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'what runs before the runtime’s own install script',
  () => {
    const folder = temporaryFolder();
    const modules = (): string => join(folder(), 'node_modules');
    const runtime = (): string => join(modules(), 'onnxruntime-node');
    const installed = (...path: string[]): string => join(PACKAGE_ROOT, 'node_modules', ...path);

    beforeAll(() => {
      mkdirSync(join(modules(), 'wayside/scripts'), { recursive: true });
      writeFileSync(join(modules(), 'wayside/package.json'), '{"name":"wayside","type":"module"}');
      cpSync(join(PACKAGE_ROOT, 'scripts/preinstall.mjs'), join(modules(), 'wayside/scripts/preinstall.mjs'));
      cpSync(installed('onnxruntime-node/script'), join(runtime(), 'script'), { recursive: true });
      cpSync(installed('onnxruntime-node/package.json'), join(runtime(), 'package.json'));
      for (const name of ['adm-zip', 'global-agent']) symlinkSync(installed(name), join(modules(), name));
    });

    const prepare = (): Promise<unknown> =>
      run(process.execPath, [join(modules(), 'wayside/scripts/preinstall.mjs')], { cwd: folder() });
    /** Exit status of the runtime's script, and whom it asked. */
    async function install(settings: Readonly<Record<string, string>>): Promise<{ status: number; asked: string[] }> {
      await using passage = await registryPassage('nobody.invalid');
      const status = await run(process.execPath, ['./script/install'], {
        cwd: runtime(),
        env: { ...bare, ...passage.environment, ...settings },
      }).then(
        () => 0,
        ({ code }: { code: number }) => code,
      );
      return { status, asked: [...passage.asked] };
    }

    it('keeps it from asking anybody, unless the libraries are asked for', async () => {
      expect(await install({})).toEqual({ status: 1, asked: ['api.nuget.org'] });
      await prepare();
      expect(await install({})).toEqual({ status: 0, asked: [] });
      for (const name of ['ONNXRUNTIME_NODE_INSTALL', 'npm_config_onnxruntime_node_install'])
        expect(await install({ [name]: 'cuda12' })).toEqual({ status: 1, asked: ['api.nuget.org'] });
    });

    it('says so once, and writes into no file that another name leads to', async () => {
      const script = join(runtime(), 'script/install.js');
      const store = join(folder(), 'store.js');
      cpSync(installed('onnxruntime-node/script/install.js'), script);
      linkSync(script, store);
      await prepare();
      const once = readFileSync(script, 'utf8');
      await prepare();
      expect(readFileSync(script, 'utf8')).toBe(once);
      expect(readFileSync(store, 'utf8')).toBe(readFileSync(installed('onnxruntime-node/script/install.js'), 'utf8'));
      expect(once.endsWith(readFileSync(store, 'utf8'))).toBe(true);
    });

    it('leaves a checkout as it is', async () => {
      const before = readFileSync(installed('onnxruntime-node/script/install.js'), 'utf8');
      await run(process.execPath, [join(PACKAGE_ROOT, 'scripts/preinstall.mjs')], { cwd: PACKAGE_ROOT });
      expect(readFileSync(installed('onnxruntime-node/script/install.js'), 'utf8')).toBe(before);
    });
  },
);
