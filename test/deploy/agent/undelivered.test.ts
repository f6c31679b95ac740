import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { diskFiles } from '../../../core/file-system.ts';
import { createLog } from '../../../core/log.ts';
import { Agent } from '../../../deploy/agent/agent.ts';
import { DaemonSocket } from '../../../deploy/agent/daemon-socket.ts';
import { TufClient } from '../../../deploy/agent/tuf/client.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { serveFolder } from '../../../deploy/repository/serve.ts';
import { addTarget } from '../../../deploy/repository/stage-targets.ts';
import { ModelStore } from '../../../deploy/store/model-store.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { newOffice } from '../../support/office.ts';
import { equalBlock, ScriptedDaemon } from '../../support/scripted-daemon.ts';
import { until } from '../../support/until.ts';

const folder = temporaryFolder();
const log = createLog('agent', { write: () => undefined });

/** An agent that reports to nobody, on a box whose clock says 1970. */
async function alone(url: string, root: string): Promise<{ agent: Agent; socket: DaemonSocket }> {
  const inside = join(folder(), 'store');
  const agent: Agent = new Agent(
    {
      store: new ModelStore(diskFiles, inside, 'colours'),
      files: diskFiles,
      repository: () =>
        new TufClient({ folder: join(inside, 'tuf'), factoryRoot: root, metadataUrl: `${url}metadata/`, now: () => 0 }),
      tell: (message) => socket.send(message),
      freeBytes: () => Promise.resolve(1e9),
      now: () => 0,
      clock: () => performance.now(),
      log,
    },
    {
      model: 'colours',
      reservedBytes: 0,
      promoteWithoutTrial: false,
      limits: trialLimits.parse({ shadowBlocks: 2, probationBlocks: 2 }),
      blockFrames: { least: 100, most: 2000 },
      longestTrialHours: 1,
      windowOpensAt: (now) => now,
    },
  );
  const listeners = {
    onMessage: (message: Parameters<Agent['hearDaemon']>[0]) => agent.hearDaemon(message),
    onGone: () => agent.daemonGone(),
  };
  const socket = new DaemonSocket(join(folder(), 'agent.sock'), listeners, log);
  await agent.start();
  await socket.open();
  return { agent, socket };
}

it('a report that reaches nobody, and a clock in 1970, take no healthy update back', async () => {
  const office = await newOffice(folder());
  const made = await writeColourPackage(join(folder(), 'one'), { version: '1' });
  const bundle = await bundlePackage(made.dir);
  const file = join(folder(), 'one.bundle');
  await writeFile(file, bundle.bytes);
  await addTarget(office.folder, { file, custom: { name: 'colours', version: '1', package: bundle.package } });
  await office.publish([office.keys.first, office.keys.second]);
  const server = await serveFolder(join(office.folder, 'published'), { port: 0 });
  await mkdir(join(folder(), 'store', 'factory'), { recursive: true });
  await writeColourPackage(join(folder(), 'store', 'factory', 'colours'), { version: '0' });
  const root = join(folder(), 'root.json');
  await cp(join(office.folder, 'published', 'metadata', '1.root.json'), root);

  const store = new ModelStore(diskFiles, join(folder(), 'store'), 'colours');
  const running = async () => (await store.runnable())?.manifest.version;
  for (const start of ['the update', 'a restart']) {
    const { agent, socket } = await alone(server.url, root);
    const end = new AbortController();
    const done = agent.run(end.signal);
    const daemon = await ScriptedDaemon.start(
      join(folder(), 'agent.sock'),
      join(folder(), 'store'),
      'colours',
      (_, phase) => equalBlock(phase),
    );
    if (start === 'the update') agent.discover('follow');
    await until(
      `${start} to end`,
      async () => {
        const { step } = agent.state;
        return step !== undefined && 'wait' in step && step.wait === 'a job' && (await running()) === '1';
      },
      60_000,
    );
    end.abort();
    await done;
    daemon.stop();
    await socket.close();
  }
  const { jobs, bad } = await store.snapshot();
  expect(jobs.wanted?.outcome).toBe('promoted');
  expect(bad.models).toEqual([]);
  await server.close();
});
