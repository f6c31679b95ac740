import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checkAgent } from '../../../deploy/agent/config/check.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { runWayside } from '../../support/wayside.ts';

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder(), ...path);
const UNIT = `wayside-agent-test-${process.pid}.service`;

describe('what the agent needs to start', () => {
  beforeEach(async () => {
    await writeFile(at('root.json'), '{}');
    await mkdir(at('units'), { recursive: true });
    await mkdir(at('secrets'), { recursive: true });
    await writeFile(at('units', UNIT), `[Service]\nLoadCredential=secrets:${at('secrets')}\n`);
  });

  async function check(mqtt: object = {}, more: object = {}) {
    const repository = { url: 'https://updates.example/', root: 'root.json' };
    const config = {
      site: 'a',
      box: 'b',
      model: 'street',
      repository,
      mqtt: { url: 'mqtt://broker', ...mqtt },
      ...more,
    };
    await writeFile(at('agent.yaml'), stringify(config));
    const { problems, notes } = await checkAgent(at('agent.yaml'), { environment: {}, unitFolders: [at('units')] });
    return { problems: problems.map(({ code, message }) => `${code} ${message}`), notes };
  }
  const asked = { username: 'b', passwordFile: `/run/credentials/${UNIT}/secrets_mqtt` };

  it('is there, its secret at the place from which systemd will bring it', async () => {
    await writeFile(at('secrets', 'mqtt'), 'word');
    expect(await check(asked)).toEqual({
      problems: [],
      notes: [expect.stringMatching(/systemd brings .*secrets\/mqtt$/)],
    });
    await rm(at('secrets', 'mqtt'));
    expect((await check(asked)).problems).toEqual([
      expect.stringMatching(/^SECRET_UNREADABLE mqtt\.passwordFile: .*missing/),
    ]);
  });

  it('is found missing in every part at once', async () => {
    const { problems } = await check(
      { username: 'b', passwordFile: 'none' },
      { repository: { url: 'https://updates.example/', root: 'no-root.json', ca: 'no-ca.pem' } },
    );
    expect(problems).toEqual([
      expect.stringMatching(/^SECRET_UNREADABLE mqtt\.passwordFile/),
      expect.stringMatching(/^SECRET_UNREADABLE repository\.ca/),
      expect.stringMatching(/^FILE_NOT_FOUND .*no-root\.json/),
    ]);
    expect((await check({}, { modell: 1 })).problems).toEqual([expect.stringMatching(/^CONFIG_INVALID .*`modell`/)]);
  });

  it('is said by `wayside agent --check`', async () => {
    await check();
    const good = await runWayside(['agent', '--check', '--config', at('agent.yaml'), '--json']);
    expect(JSON.parse(good.stdout)).toMatchObject({ site: 'a', box: 'b', model: 'street', notes: [] });
    await rm(at('root.json'));
    const bad = await runWayside(['agent', '--check', '--config', at('agent.yaml'), '--json']);
    expect(bad.exit).toBe(78);
  });
});
