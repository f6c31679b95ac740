import { chmod, chown, cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../../core/log.ts';
import { DaemonSocket } from '../../deploy/agent/daemon-socket.ts';
import { COLOURS, writeColourPackage } from '../support/colour-package.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runWayside } from '../support/wayside.ts';

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder(), ...path);

/** Runs `wayside store ... --json` on the store of the test. */
async function store(command: string, ...more: string[]) {
  const write = ['import', 'rollback'].includes(command) ? ['--socket', at('agent.sock')] : [];
  const run = await runWayside(['store', command, ...more, '--store', at('store'), ...write, '--json']);
  return { exit: run.exit, document: JSON.parse(run.stdout) };
}

beforeAll(async () => {
  await writeColourPackage(at('store', 'factory', 'colours'), { version: '0' });
  for (const version of ['1', '2'])
    await writeColourPackage(at(version), { version, labels: [...COLOURS.slice(0, 2), version] });
});

describe('wayside store', () => {
  it('goes back with the one model that has slots, whatever else came with the software', async () => {
    await writeColourPackage(at('several', 'factory', 'colours'), { version: '0' });
    await writeColourPackage(at('several', 'factory', 'others'), { name: 'others', version: '0' });
    const several = ['--store', at('several'), '--socket', at('agent.sock'), '--json'];
    await runWayside(['store', 'import', at('1'), ...several]);
    const run = await runWayside(['store', 'rollback', ...several]);
    expect(JSON.parse(run.stdout)).toMatchObject({ name: 'colours', place: 'factory', version: '0' });
  });

  it('installs packages by hand, says what runs, goes back, and finds what is damaged', async () => {
    expect((await store('verify')).exit).toBe(0);
    expect(await store('import', at('1'))).toMatchObject({ exit: 0, document: { version: '1', promoted: true } });
    const second = await store('import', at('2'));
    expect(second).toMatchObject({ exit: 0, document: { version: '2' } });
    const { document } = await store('status');
    const runs = document.models[0].places.filter(({ runs: does }: { runs: boolean }) => does);
    expect(runs).toMatchObject([{ version: '2', condition: 'good', place: second.document.slot }]);
    expect(await store('rollback')).toMatchObject({ exit: 0, document: { name: 'colours', version: '1' } });
    const path = at('store', 'models', 'colours', 'slots', second.document.slot === 'A' ? 'B' : 'A', 'model.onnx');
    const bytes = await readFile(path);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    await writeFile(path, bytes);
    expect(await store('verify')).toMatchObject({ exit: 65, document: { error: { code: 'PACKAGE_INVALID' } } });
    const damaged = await store('status');
    expect(damaged.exit).toBe(0);
    expect(damaged.document.models[0].places.find(({ runs: does }: { runs: boolean }) => does).place).toBe('factory');
  });

  // As on a box: root asks, out of a folder of its own, and the store is the agent's.
  it.runIf(process.getuid?.() === 0)('leaves nothing of root in a store that is another user’s', async () => {
    const [user, group] = [65_534, 65_533];
    const root = at('of-the-agent');
    await mkdir(root);
    await chown(root, user, group);
    await chmod(root, 0o2750);
    await chmod(folder(), 0o711); // the way to it
    await mkdir(at('of-root'), { mode: 0o700 });
    await Promise.all(['1', '2'].map((version) => cp(at(version), at('of-root', version), { recursive: true })));
    const here = ['--store', root, '--socket', at('agent.sock'), '--json'];
    const before = process.umask(0o077); // of a root that is careful
    try {
      for (const version of ['1', '2'])
        expect(await runWayside(['store', 'import', at('of-root', version), ...here])).toMatchObject({ exit: 0 });
      expect(await runWayside(['store', 'rollback', ...here])).toMatchObject({ exit: 0 });
    } finally {
      process.umask(before);
    }
    const made = await readdir(root, { recursive: true, encoding: 'utf8' });
    expect(made.filter((path) => path.endsWith('model.onnx'))).toHaveLength(2);
    for (const path of made) {
      const found = await stat(join(root, path));
      expect([path, found.uid, found.gid]).toEqual([path, user, group]);
      const most = found.isDirectory() ? 0o050 : 0o040; // for the daemon, which is in the group
      expect([path, found.mode & 0o077]).toEqual([path, most]);
    }
  });

  it('writes nothing while an agent is at work', async () => {
    const agent = new DaemonSocket(at('agent.sock'), { onMessage: () => {}, onGone: () => {} }, createLog('test'));
    await agent.open();
    expect(await store('import', at('2'))).toMatchObject({ document: { error: { code: 'STORE_STATE' } } });
    await agent.close();
  });

  it('asks which model is meant where it cannot know, and says when there is none', async () => {
    const nothing = await runWayside(['store', 'rollback', '--store', at('none'), '--json']);
    expect(JSON.parse(nothing.stdout)).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('does not take a folder that is not there for an empty store', async () => {
    const run = await runWayside(['store', 'status', '--store', at('nowhere'), '--json']);
    expect({ exit: run.exit, code: JSON.parse(run.stdout).error.code }).toEqual({ exit: 66, code: 'FILE_NOT_FOUND' });
  });
});
