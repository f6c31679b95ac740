import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { broker as brokerCheck } from '../../../daemon/doctor/checks/broker.ts';
import { repository } from '../../../daemon/doctor/checks/repository.ts';
import { Prober } from '../../../daemon/probe/prober.ts';
import { BoxRoot } from '../../support/box-root.ts';
import { type BrokenCase, itFindsEach } from '../../support/broken-box.ts';
import { certificates } from '../../support/certificates.ts';
import { type FileServer, serveFiles } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { freePort, Mosquitto } from '../../support/mosquitto.ts';
import { describeWith, program } from '../../support/requirements.ts';
import { day, TufTestRepository } from '../../support/tuf-repository.ts';

const OWN = 'wayside/v1/depot/one';
/** Who may do what at the broker: the box, one who may not write, one who may not read. */
const RULES = `user one\ntopic readwrite ${OWN}/#\nuser mute\ntopic read ${OWN}/#\nuser deaf\ntopic write ${OWN}/#\n`;

const NEEDS = ['mosquitto', 'mosquitto_passwd', 'openssl'];

describeWith({ needs: NEEDS }, 'a box with something broken at its broker or its repository', () => {
  const folder = temporaryFolder();
  const tuf = new TufTestRepository();
  const expired = new TufTestRepository();
  let broker: Mosquitto;
  let secure: Mosquitto;
  let files: FileServer;
  let expiredFiles: FileServer;
  let authority: string;

  beforeAll(async () => {
    const [passwords, rules] = [join(folder(), 'passwords'), join(folder(), 'acl')];
    await writeFile(passwords, '');
    await writeFile(rules, RULES);
    for (const user of ['one', 'mute', 'deaf'])
      await promisify(execFile)(program('mosquitto_passwd') ?? '', ['-b', passwords, user, 'word']);
    broker = await Mosquitto.start(folder(), [`password_file ${passwords}`, `acl_file ${rules}`]);
    const tls = await certificates(folder());
    authority = join(tls, 'ca.pem');
    await mkdir(join(folder(), 'secure'));
    secure = await Mosquitto.start(join(folder(), 'secure'), [
      'allow_anonymous true',
      `certfile ${join(tls, 'server.pem')}`,
      `keyfile ${join(tls, 'server.key')}`,
    ]);
    tuf.root['expires'] = day(365);
    tuf.publishRoot();
    files = await serveFiles(tuf.served);
    expired.timestamp['expires'] = day(-1);
    expired.publish();
    expiredFiles = await serveFiles(expired.served);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([broker.stop(), secure.stop(), files.close(), expiredFiles.close()]);
  });

  const withBroker = (box: BoxRoot, change: object = {}): Promise<void> =>
    box.configure({ mqtt: { url: broker.url, username: 'one', passwordFile: 'secrets/mqtt', ...change } });
  const withRepository = async (box: BoxRoot, url: string, root = tuf.factoryRoot): Promise<void> => {
    await box.write('etc/wayside/root.json', root.toString());
    const mqtt = { url: broker.url, username: 'one', passwordFile: 'secrets/mqtt' };
    await box.configureAgent({ mqtt, repository: { url, root: 'root.json' } });
  };
  const createBox = async (): Promise<BoxRoot> => {
    const box = await BoxRoot.create();
    onTestFinished(() => rm(box.folder, { recursive: true, force: true }));
    await withBroker(box);
    await withRepository(box, files.url);
    return box;
  };
  const nowhere = async (scheme: string): Promise<string> => `${scheme}://127.0.0.1:${await freePort()}/`;

  const CASES: readonly BrokenCase[] = [
    {
      check: brokerCheck,
      fault: 'unresolved',
      remedy: /getent hosts broker\.invalid/,
      breaks: (box) => withBroker(box, { url: 'mqtt://broker.invalid' }),
    },
    {
      check: brokerCheck,
      fault: 'certificate',
      remedy: /mqtt\.ca/,
      breaks: (box) => withBroker(box, { url: `mqtts://127.0.0.1:${secure.port}` }),
    },
    {
      check: brokerCheck,
      fault: 'certificate-expires',
      remedy: /renew it on the broker before 20\d\d-/,
      breaks: (box) => withBroker(box, { url: `mqtts://127.0.0.1:${secure.port}`, ca: authority }),
    },
    {
      check: brokerCheck,
      fault: 'unreachable',
      remedy: /nc -vz 127\.0\.0\.1 \d+/,
      breaks: async (box) => withBroker(box, { url: `mqtt://127.0.0.1:${await freePort()}` }),
    },
    {
      check: brokerCheck,
      fault: 'credentials',
      remedy: /systemctl restart wayside/,
      breaks: (box) => box.write('etc/wayside/secrets/mqtt', 'other\n', 0o600),
      // Once in a process of its own, as on a box: its errors cross a channel.
      looks: { prober: new Prober(undefined) },
    },
    {
      check: brokerCheck,
      fault: 'write-refused',
      remedy: /user mute write wayside\/v1\/depot\/one\/#/,
      breaks: (box) => withBroker(box, { username: 'mute' }),
    },
    {
      check: brokerCheck,
      fault: 'read-refused',
      remedy: /user deaf read wayside\/v1\/depot\/one\/#/,
      breaks: (box) => withBroker(box, { username: 'deaf' }),
    },
    {
      check: repository,
      fault: 'no-root',
      remedy: /scp \S+1\.root\.json \S+root\.json/,
      breaks: (box) => rm(box.path('etc/wayside/root.json')),
    },
    {
      check: repository,
      fault: 'unreachable',
      remedy: /curl -I http:\S+timestamp\.json/,
      breaks: async (box) => withRepository(box, await nowhere('http')),
    },
    {
      check: repository,
      fault: 'refused',
      remedy: /wayside repo status/,
      breaks: (box) => withRepository(box, files.url, new TufTestRepository().factoryRoot),
    },
    {
      check: repository,
      fault: 'expired',
      remedy: /wayside repo refresh/,
      breaks: (box) => withRepository(box, expiredFiles.url, expired.factoryRoot),
    },
    {
      check: repository,
      fault: 'root-expires',
      remedy: /wayside repo rotate/,
      looks: { now: Date.now() + 330 * 86_400_000 },
    },
    {
      check: repository,
      fault: 'state-lost',
      remedy: /agent\.md/,
      breaks: async (box) => {
        for (const copy of ['floors.1', 'floors.2']) await box.write(`var/lib/models/tuf/${copy}`, 'torn');
      },
    },
  ];
  itFindsEach(CASES, createBox);
});
