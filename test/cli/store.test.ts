import { readFile, writeFile } from 'node:fs/promises';
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
