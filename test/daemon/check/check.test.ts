import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newIdentity } from '../../../core/identity/files.ts';
import { type CheckOptions, checkDaemon } from '../../../daemon/check/check.ts';
import { readPrivateKey } from '../../../deploy/signature/keys.ts';
import { signPackage } from '../../../deploy/signature/sign.ts';
import { BoxStore } from '../../support/box-store.ts';
import { certificates } from '../../support/certificates.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';

const DAY_MS = 86_400_000;

describe('what the start needs', () => {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder(), name);
  beforeEach(async () => {
    await writeColourPackage(at('package'));
    await rm(at('units'), { recursive: true, force: true });
    await writeFile(at('decoder'), '#!/bin/sh\n');
    await chmod(at('decoder'), 0o755);
  });

  /** A configuration in flow style: JSON is YAML. */
  async function check(
    change: { mqtt?: object; camera?: object; model?: object; identity?: object },
    options: CheckOptions = {},
  ) {
    const config = {
      site: 'depot',
      box: 'one',
      mqtt: { url: 'mqtts://broker.example', ...change.mqtt },
      model: { package: 'package', ...change.model },
      ...(change.identity && { identity: change.identity }),
      cameras: [
        { id: 'gate', url: 'rtsp://192.0.2.1/', decoder: { command: [at('decoder'), '{url}'] }, ...change.camera },
      ],
    };
    await writeFile(at('wayside.yaml'), JSON.stringify(config));
    const { problems, notes } = await checkDaemon(at('wayside.yaml'), {
      environment: {},
      unitFolders: [at('units')],
      ...options,
    });
    return { problems: problems.map(({ code, message }) => `${code} ${message}`), notes };
  }

  it('is there', async () => {
    expect(await check({})).toEqual({ problems: [], notes: [] });
  });

  it('is a store in which what should run is whole; what would run in its place is said', async () => {
    const write = (dir: string): ReturnType<typeof writeColourPackage> => writeColourPackage(dir);
    await rm(at('store'), { recursive: true, force: true });
    const store = await BoxStore.create(at('store'), 'colours', write);
    const { slot, dir } = await store.install((folder) => writeColourPackage(folder, { version: '2' }));
    await store.store.promote(slot);
    const model = { package: undefined, store: 'store', name: 'colours' };
    expect(await check({ model })).toEqual({ problems: [], notes: [] });
    await store.damage(dir);
    expect(await check({ model })).toEqual({
      problems: [expect.stringMatching(/^PACKAGE_INVALID model\.store: .*slots\/A/)],
      notes: ['model.store: the factory package is whole, and would run in its place'],
    });
  });

  it('is a package that one of the keys has signed, where keys are named', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    await writeFile(at('maker.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(at('maker.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    const model = { keys: ['maker.pub'] };
    expect((await check({ model })).problems).toEqual([expect.stringMatching(/^SIGNATURE_MISSING .*is not signed/)]);
    await signPackage(at('package'), await readPrivateKey(at('maker.key')));
    expect((await check({ model })).problems).toEqual([]);
    await rm(at('maker.pub'));
    expect((await check({ model })).problems).toEqual([expect.stringMatching(/maker\.pub/)]);
    expect((await check({ model: { keys: [] } })).problems).toEqual([expect.stringMatching(/^CONFIG_INVALID/)]);
  });

  it('is a key of the box that its chain ends with', async () => {
    const [own, other] = [newIdentity(), newIdentity()];
    const identity = { key: 'identity.key', chain: 'identity.json' };
    await writeFile(at('identity.key'), own.key);
    await writeFile(at('identity.json'), own.chain);
    expect((await check({ identity })).problems).toEqual([]);
    await writeFile(at('identity.json'), other.chain);
    expect((await check({ identity })).problems).toEqual([
      expect.stringMatching(/^IDENTITY_INVALID identity.key is not the newest key/),
    ]);
    await rm(at('identity.json'));
    expect((await check({ identity })).problems).toEqual([expect.stringMatching(/^FILE_NOT_FOUND .*identity\.json/)]);
  });

  it('is found missing in every part at once', async () => {
    await writeFile(at('package/model.onnx'), 'another');
    await writeFile(at('empty'), '');
    const { problems } = await check({
      mqtt: { username: 'box', passwordEnv: 'NOT_SET', ca: 'no.pem' },
      camera: {
        username: 'viewer',
        decoder: { command: ['no-such-program', '{url}'] },
        regions: [{ name: 'left', box: [0.5, 0, 0.6, 1] }],
      },
    });
    expect(problems).toEqual([
      expect.stringMatching(/^CONFIG_INVALID .*wayside\.yaml:1:\d+: cameras\[0\]\.regions\[0\]\.box/),
      expect.stringMatching(/^SECRET_UNREADABLE mqtt\.passwordEnv/),
      expect.stringMatching(/^SECRET_UNREADABLE mqtt\.ca/),
      expect.stringMatching(/^PACKAGE_INVALID model\.package/),
    ]);
    const others = await check({
      camera: { username: 'viewer', decoder: { command: ['no-such-program', '{url}'] } },
      mqtt: { username: 'box', passwordFile: 'empty' },
    });
    expect(others.problems).toEqual([
      expect.stringMatching(/^SECRET_UNREADABLE mqtt\.passwordFile: .*empty/),
      expect.stringMatching(/^PACKAGE_INVALID/),
      expect.stringMatching(/^CONFIG_INVALID cameras\[0\]: expected `passwordFile` or `passwordEnv` beside `username`/),
      expect.stringMatching(/^DECODER_UNAVAILABLE cameras\[0\]\.decoder\.command: .*no-such-program/),
    ]);
  });

  it('is no odd zone, which works and is told of', async () => {
    const square = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ];
    const closedByHand = [...square, [0, 0]];
    const zones = [closedByHand, square].map((polygon, i) => ({ id: `z${i}`, polygon }));
    const { problems, notes } = await check({ camera: { zones } });
    expect(problems).toEqual([]);
    expect(notes.filter((note) => note.includes('zones'))).toEqual([
      expect.stringMatching(/^cameras\[0\]\.zones\[0\]\.polygon: taken as it is, but it is odd: expected corners/),
    ]);
  });

  it('is no decoder that does not run, nor a package that is not there', async () => {
    await rm(at('package'), { recursive: true });
    const { problems } = await check({ camera: { decoder: { command: [at('decoder')] } } });
    expect(problems).toEqual([
      expect.stringMatching(/^FILE_NOT_FOUND model\.package/),
      expect.stringMatching(/^DECODER_UNAVAILABLE cameras\[0\]\.decoder: .*does not call itself ffmpeg/),
    ]);
  });

  describe('and is brought by systemd at the first start', () => {
    const path = (name: string): string => `/run/credentials/wayside-test-${process.pid}.service/${name}`;
    const unit = `wayside-test-${process.pid}.service`;
    const install = async (...lines: string[]): Promise<void> => {
      await mkdir(at(`units/${unit}.d`), { recursive: true });
      await writeFile(at(`units/${unit}`), '[Service]\nLoadCredential=north:/nowhere\n');
      await writeFile(at(`units/${unit}.d/secrets.conf`), ['[Service]', ...lines, ''].join('\n'));
    };
    const asked = { mqtt: { username: 'box', passwordFile: path('mqtt') } };

    it('is looked for at its source', async () => {
      await install(`LoadCredential=mqtt:${at('secret')}`);
      const missing = await check(asked);
      expect(missing.problems).toEqual([
        expect.stringMatching(/^SECRET_UNREADABLE mqtt\.passwordFile: .*secret, is missing/),
      ]);
      await writeFile(at('secret'), '');
      expect((await check(asked)).problems).toEqual([expect.stringMatching(/is empty$/)]);
      await writeFile(at('secret'), 'word');
      const { problems, notes } = await check(asked);
      expect(problems).toEqual([]);
      expect(notes).toEqual([expect.stringMatching(/systemd brings the credential mqtt .*from .*secret$/)]);
    });

    it('is looked for in the folder that the unit hands over whole', async () => {
      await install(`LoadCredential=secrets:${at('secrets')}`);
      await mkdir(at('secrets'));
      const wanted = { mqtt: { username: 'box', passwordFile: path('secrets_mqtt') } };
      expect((await check(wanted)).problems).toEqual([expect.stringMatching(/secrets\/mqtt, is missing$/)]);
      await writeFile(at('secrets/mqtt'), 'word');
      const { problems, notes } = await check(wanted);
      expect(problems).toEqual([]);
      expect(notes).toEqual([expect.stringMatching(/from .*secrets\/mqtt$/)]);
      const other = { mqtt: { username: 'box', passwordFile: path('other_mqtt') } };
      expect((await check(other)).problems).toEqual([expect.stringMatching(/has no LoadCredential=other_mqtt/)]);
    });

    it('is missed where the unit does not name it, and not where there is no unit', async () => {
      expect(await check(asked)).toEqual({
        problems: [],
        notes: [expect.stringMatching(/not installed here: not checked/)],
      });
      await install('SetCredential=other:x');
      expect((await check(asked)).problems).toEqual([expect.stringMatching(/has no LoadCredential=mqtt/)]);
      await install('SetCredential=mqtt:x');
      expect(await check(asked)).toEqual({ problems: [], notes: [expect.stringMatching(/from the unit itself/)] });
    });

    it('has to be there inside the unit', async () => {
      await install(`LoadCredential=mqtt:${at('secret')}`);
      const environment = { CREDENTIALS_DIRECTORY: `/run/credentials/${unit}` };
      const { problems } = await check(asked, { environment });
      expect(problems).toEqual([expect.stringMatching(/^SECRET_UNREADABLE mqtt\.passwordFile: cannot read/)]);
    });
  });

  describeWith({ needs: ['openssl'] }, 'in certificates', () => {
    const tls = { ca: 'tls/ca.pem', cert: 'tls/box.pem', key: 'tls/box.key' };
    beforeAll(async () => {
      await certificates(folder());
    });

    it('is a pair that belongs together and is valid now', async () => {
      expect((await check({ mqtt: tls })).problems).toEqual([]);
      expect((await check({ mqtt: { ...tls, key: 'tls/server.key' } })).problems).toEqual([
        'SECRET_UNREADABLE mqtt.key: the key is not that of `mqtt.cert`',
      ]);
      const later = await check({ mqtt: tls }, { now: Date.now() + 3 * DAY_MS });
      expect(later.problems).toEqual([
        expect.stringMatching(/mqtt\.ca: the certificate of CN=test authority expired on/),
        expect.stringMatching(/mqtt\.cert: the certificate of CN=one expired on/),
      ]);
      const earlier = await check({ mqtt: tls }, { now: 0 });
      expect(earlier.problems[0]).toMatch(/is valid from .*: is the clock right\?/);
    });

    it('is no key in place of a certificate, no damaged one, none behind a passphrase', async () => {
      const broken = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
      await writeFile(at('broken.pem'), broken);
      await promisify(execFile)('openssl', [
        'pkey',
        '-in',
        at('tls/box.key'),
        '-aes256',
        '-passout',
        'pass:x',
        '-out',
        at('locked.key'),
      ]);
      const { problems } = await check({ mqtt: { ca: 'broken.pem', cert: 'tls/box.key', key: 'locked.key' } });
      expect(problems).toEqual([
        expect.stringMatching(/mqtt\.ca: expected a certificate, found something that is none/),
        expect.stringMatching(/mqtt\.cert: expected a certificate \(/),
        expect.stringMatching(/mqtt\.key: the key is encrypted/),
      ]);
    });
  });
});
