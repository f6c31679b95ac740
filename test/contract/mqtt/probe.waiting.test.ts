import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BrokerOptions } from '../../../contract/mqtt/attempt.ts';
import { type BrokerProbe, probeBroker } from '../../../contract/mqtt/probe.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { describeWith, program } from '../../support/requirements.ts';

const ROOT = 'wayside/v1/ring/box';

describeWith({ needs: ['mosquitto', 'mosquitto_passwd'] }, 'probing a broker', () => {
  let folder: string;
  let broker: Mosquitto | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-probe-'));
  });
  afterEach(async () => {
    await broker?.stop();
    await rm(folder, { recursive: true });
  });

  const start = async (...acl: string[]): Promise<void> => {
    await writeFile(join(folder, 'passwords'), '');
    execFileSync(program('mosquitto_passwd') ?? '', ['-b', join(folder, 'passwords'), 'box', 'right']);
    await writeFile(join(folder, 'acl'), [...acl, ''].join('\n'));
    broker = await Mosquitto.start(folder, [
      'allow_anonymous false',
      `password_file ${join(folder, 'passwords')}`,
      `acl_file ${join(folder, 'acl')}`,
    ]);
  };
  const probe = (password = 'right', more: Partial<BrokerOptions> = {}): Promise<BrokerProbe> => {
    const nothing = { ca: undefined, cert: undefined, key: undefined };
    const url = broker?.url ?? 'mqtt://127.0.0.1:1';
    const asked = { url, clientId: 'probe', keepaliveSeconds: 5, username: 'box', password, ...nothing, ...more };
    return probeBroker(asked, { root: ROOT, answerMs: 1000 });
  };

  it('sends a message that comes back where the permissions of the documentation hold', async () => {
    await start('pattern write wayside/v1/+/%u/camera/#', 'pattern read wayside/v1/+/%u/#');
    const { protocol, refusal, readable, came, roundTripMs, topic } = await probe();
    expect({ protocol, refusal, readable, came, topic }).toEqual({
      protocol: '5.0',
      refusal: null,
      readable: true,
      came: true,
      topic: `${ROOT}/camera/_probe`,
    });
    expect(roundTripMs).toBeGreaterThan(0);
  });

  it('says that it may not write there', async () => {
    await start('pattern read wayside/v1/+/%u/#');
    expect(await probe()).toMatchObject({ refusal: expect.stringMatching(/not auth/i), came: false });
  });

  it('says that nothing came back where the broker lets it read nothing', async () => {
    await start('pattern write wayside/v1/+/%u/camera/#');
    expect(await probe()).toMatchObject({ refusal: null, came: false, roundTripMs: null });
  });

  it('names what the broker has against it, without the password', async () => {
    await start('topic readwrite #');
    const error: unknown = await probe('wr0ng-pass').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.stringMatching(/user name or password|not authori/i),
    });
    expect(String(error)).not.toContain('wr0ng-pass');
  });

  it('fails where nothing listens', async () => {
    await expect(probe('right', { url: 'mqtt://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
