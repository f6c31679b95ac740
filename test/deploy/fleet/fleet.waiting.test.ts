import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Inventory } from '../../../deploy/fleet/inventory.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Mosquitto } from '../../support/mosquitto.ts';
import { describeWith } from '../../support/requirements.ts';
import { until } from '../../support/until.ts';
import { runWayside } from '../../support/wayside.ts';

const NEW = `sha256:${'ab'.repeat(32)}`;
const OLD = `sha256:${'cd'.repeat(32)}`;
const envelope = (seq: number) => ({
  ...{ id: `00000000-0000-4000-8000-00000000000${seq}`, session: '00000000-0000-4000-8000-000000000000', seq },
  ...{ capturedAt: '2026-03-01T12:00:00.000Z', publishedAt: '2026-03-01T12:00:00.000Z' },
  clock: { synced: true, errorMs: 1 },
});
const info = (digest: string | null) => ({
  ...{ schema: 'wayside/v1/info', ...envelope(0) },
  software: { wayside: '1.2.0', node: '24.1.0', onnxRuntime: '1.30.0' },
  model: digest === null ? null : { name: 'street', version: '2', digest },
  cameras: [],
  configuration: { digest: OLD },
  hardware: { architecture: 'x64', processor: null, cores: 2, memoryBytes: 1, kernel: '6' },
});
const state = (value: string) => ({
  ...{ schema: 'wayside/v1/state', ...envelope(1), state: value, bootId: null, reasons: [] },
});

/** What boxes of two sites have left at a broker: topic below `wayside/v1`, and message. */
const RETAINED: readonly (readonly [string, unknown])[] = [
  ['a/one/info', info(NEW)],
  ['a/one/state', state('online')],
  ['a/two/info', info(OLD)],
  ['a/two/state', state('degraded')],
  ['a/away/info', info(NEW)],
  ['a/away/state', state('offline')],
  ['a/without/info', info(null)],
  ['a/silent/state', state('online')],
  ['a/garbled/info', { schema: 'wayside/v1/info' }],
  ['b/other/info', info(NEW)],
];

describeWith({ needs: ['mosquitto'] }, 'what a fleet runs', () => {
  const folder = temporaryFolder();
  let broker: Mosquitto;
  let boxes: MqttClient;
  const fleet = async (...args: readonly string[]) => {
    const { stdout, exit, stderr } = await runWayside(['fleet', ...args, '--broker', broker.url, '--gather', '1s']);
    return { stdout, exit, stderr };
  };
  /** Asks until so many boxes were heard: on a busy machine a broker may be silent for the second that is waited. */
  const heard = (count: number, ...args: readonly string[]) =>
    until(`${count} boxes to be heard`, async () => {
      const { stdout, exit } = await fleet(...args, '--json');
      const document = JSON.parse(stdout);
      expect(exit).toBe(0);
      return (document.heard ?? document.boxes.length) === count && document;
    });
  const says = (text: RegExp, ...args: readonly string[]) =>
    until(`${text}`, async () => text.test((await fleet(...args)).stdout));
  const names = (list: readonly { site: string; box: string }[]): string[] =>
    list.map(({ site, box }) => `${site}/${box}`);

  beforeAll(async () => {
    broker = await Mosquitto.start(folder());
    boxes = await connectAsync(broker.url, { protocolVersion: 5 });
    for (const [topic, message] of RETAINED)
      await boxes.publishAsync(`wayside/v1/${topic}`, JSON.stringify(message), { retain: true, qos: 1 });
  });
  afterAll(async () => {
    await boxes?.endAsync();
    await broker?.stop();
  });

  it('is every box that runs a digest, those that are away too, and those of which nobody knows', async () => {
    const document = await heard(7, 'sbom', NEW);
    expect(names(document.boxes)).toEqual(['a/away', 'a/one', 'b/other']);
    expect(document.boxes[0]).toMatchObject({
      state: 'offline',
      model: { digest: NEW },
      software: { wayside: '1.2.0' },
    });
    expect(names(document.unknown)).toEqual(['a/garbled', 'a/silent']);
    expect(document).toMatchObject({ digest: NEW });
  });

  it('is asked for one site, and by the first digits', async () => {
    const { boxes: found } = await heard(6, 'sbom', 'abababab', '--site', 'a');
    expect(names(found)).toEqual(['a/away', 'a/one']);
    await says(/^1 of 5 boxes runs sha256:cdcdcdcd\n\n.*\na\/two +degraded/, 'sbom', 'cdcdcdcd');
  });

  it('says that none runs it, and still which are not known', async () => {
    const silent = 'a\\/silent +online +- +it has not said what it runs';
    const text = `^0 of 5 boxes run sha256:ffffffff\n(?:.*\n)*not known of 2:\n(?:.*\n)*${silent}`;
    await says(new RegExp(text), 'sbom', 'ffffffff');
  });

  it('is listed whole', async () => {
    await heard(7, 'list');
    await says(/b\/other +unknown +wayside 1\.2\.0 +street 2 sha256:abab/, 'list', '--site', 'b');
  });

  it.each([['zz'], ['abc'], [`md5:${'a'.repeat(32)}`]])('refuses the digest %s', async (digest) => {
    expect(await fleet('sbom', digest)).toMatchObject({ exit: 64, stderr: expect.stringContaining('hexadecimal') });
  });

  it('fails where there is no broker', async () => {
    const { exit, stderr } = await runWayside(['fleet', 'list', '--broker', 'mqtt://127.0.0.1:1']);
    expect({ exit, stderr }).toEqual({ exit: 69, stderr: expect.stringContaining('BROKER_UNAVAILABLE') });
  });
});

describe('the inventory', () => {
  it('forgets what a box no longer retains, and hears no office', () => {
    const inventory = new Inventory();
    const hear = (topic: string, message: unknown): void =>
      inventory.hear(`wayside/v1/${topic}`, Buffer.from(message === '' ? '' : JSON.stringify(message)));
    hear('a/one/info', info(NEW));
    hear('a/_office/state', state('online'));
    expect(inventory.running(NEW)).toHaveLength(1);
    hear('a/one/info', '');
    expect(inventory.running(NEW)).toEqual([]);
    expect(inventory.unknown).toHaveLength(1);
    expect(inventory.size).toBe(1);
  });
});
