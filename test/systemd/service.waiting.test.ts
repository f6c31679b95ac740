import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { ServiceManager } from '../support/service-manager.ts';
import { until } from '../support/until.ts';

const PROGRAM = join(PACKAGE_ROOT, 'bin', 'wayside.js');
const WAITING = 'STATUS=waiting for a configuration: ';

/** The commands of the unit, with the environment that systemd gives them. */
describe('a process of the box under a service manager', () => {
  let folder: string;
  let manager: ServiceManager;
  let environment: NodeJS.ProcessEnv;
  let daemon: ChildProcess;
  let log = '';

  const config = (model: string): string =>
    JSON.stringify({
      site: 'test',
      box: 'box',
      mqtt: { url: 'mqtt://127.0.0.1:1' },
      model: { package: model },
      cameras: [{ id: 'north', url: 'rtsp://127.0.0.1:1/', decoder: { command: ['sleep', '600'] } }],
    });
  const write = (text: string): Promise<void> => writeFile(join(folder, 'wayside.yaml'), text);
  const said = (text: string): boolean => manager.read().some((line) => line.startsWith(text));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-service-'));
    mkdirSync(join(folder, 'run'));
    manager = new ServiceManager(join(folder, 'notify'));
    environment = {
      ...process.env,
      NOTIFY_SOCKET: join(folder, 'notify'),
      WATCHDOG_USEC: '30000000',
      RUNTIME_DIRECTORY: join(folder, 'run'),
    };
    log = '';
  });
  afterEach(async () => {
    daemon.kill();
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    manager.close();
    await rm(folder, { recursive: true });
  });

  function start(command: 'daemon' | 'agent' = 'daemon'): void {
    const args = [PROGRAM, command, '--wait', '--config', join(folder, 'wayside.yaml')];
    daemon = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }

  async function reload(what: 'daemon' | 'agent' = 'daemon'): Promise<{ code: number; text: string }> {
    const env = { ...environment, MAINPID: String(daemon.pid) };
    const command = spawn(process.execPath, [PROGRAM, what, '--reload'], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    command.stderr.setEncoding('utf8').on('data', (more: string) => {
      text += more;
    });
    const [code] = (await once(command, 'close')) as [number];
    return { code, text };
  }

  it('is ready and says what it waits for, while its configuration is missing, empty or cut short', async () => {
    start();
    await until('the missing file to be named', () => said(`${WAITING}FILE_NOT_FOUND: `));
    expect(manager.told).toContain('READY=1');
    expect(manager.told).toContain('WATCHDOG=1');
    await write('');
    await until('the empty file to be named', () => said(`${WAITING}CONFIG_INVALID: `));
    await write(config('/nowhere').slice(0, 60));
    expect(await reload()).toMatchObject({ code: 78, text: expect.stringContaining('error CONFIG_INVALID: ') });
    expect(daemon.exitCode).toBeNull();
    expect(log.split('\n').filter((line) => line.includes('FILE_NOT_FOUND'))).toHaveLength(1); // once, not at every look
  });

  it('goes on by itself once the configuration is there, and runs without its model, which it says', async () => {
    start();
    await until('it to wait', () => said(WAITING));
    await write(config(join(folder, 'no-model')));
    await until('the daemon to run', () => said('STATUS=0 of 1 cameras live, no model ready'));
    expect(log).toContain('the model package was refused');
    expect(daemon.exitCode).toBeNull();
  });

  it('ends a reload as it ended: refused with the reason, then taken', async () => {
    await write(config(join(PACKAGE_ROOT, 'demo/package')));
    start();
    await until('the daemon to run', () => said('STATUS=0 of 1 cameras live'));
    await write(`${config(join(PACKAGE_ROOT, 'demo/package'))}\nrate: 5`);
    const refused = await reload();
    expect(refused.code).toBe(78);
    expect(refused.text).toMatch(/^error CONFIG_INVALID: .*wayside\.yaml/);
    await until(
      'the status to say it',
      () => said('STATUS=') && manager.told.some((line) => line.includes('; refused: ')),
    );
    await write(config(join(folder, 'no-model')));
    expect(await reload()).toMatchObject({ code: 65, text: expect.stringContaining('no-model') });
    await write(config(join(PACKAGE_ROOT, 'demo/package')));
    expect(await reload()).toEqual({ code: 0, text: '' });
  });

  it('reloads the agent as well: a bad edit is refused and named, and what only a restart changes is said to', async () => {
    const agent = (change: object): string =>
      JSON.stringify({
        site: 'test',
        box: 'box',
        model: 'vehicles',
        store: 'store',
        socket: 'agent.sock',
        repository: { url: 'https://127.0.0.1:1/', root: 'root.json' },
        mqtt: { url: 'mqtt://127.0.0.1:1' },
        ...change,
      });
    await write(agent({}));
    start('agent');
    await until('the agent to run', () => said('STATUS=waits for a job'));
    await write(agent({ trial: { limits: { memoryMb: 'much' } } }));
    const refused = await reload('agent');
    expect(refused.code).toBe(78);
    expect(refused.text).toMatch(/^error CONFIG_INVALID: .*wayside\.yaml:1:\d+: trial\.limits\.memoryMb/);
    await until('the status to say it', () =>
      manager.read().some((line) => line.startsWith('STATUS=waits for a job; refused: CONFIG_INVALID')),
    );
    await write(agent({ model: 'trams', store: 'other' }));
    const fixed = await reload('agent');
    expect(fixed).toMatchObject({ code: 78, text: expect.stringContaining('`model`, `store` cannot change') });
    expect(fixed.text).toContain('systemctl restart wayside-agent');
    const taken = manager.read().length;
    await write(agent({ groups: ['north'], repository: { url: 'https://127.0.0.1:2/', root: 'root.json' } }));
    expect(await reload('agent')).toEqual({ code: 0, text: '' });
    expect(manager.read().slice(taken)).toContain('STATUS=waits for a job');
    expect(log).toContain('"reconnect":true,"repository":true');
    expect(daemon.exitCode).toBeNull();
  });

  it('refuses to reload what is no unit', async () => {
    start();
    const command = spawn(process.execPath, [PROGRAM, 'daemon', '--reload'], { stdio: 'ignore' });
    expect(await once(command, 'close')).toEqual([64, null]);
  });
});
