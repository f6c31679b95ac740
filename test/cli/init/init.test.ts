import { createHash, generateKeyPair } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { DEFAULT_MODEL } from '../../../cli/init/documents.ts';
import { type Initialized, type InitOptions, initialize } from '../../../cli/init/initialize.ts';
import { Exit, WaysideError } from '../../../core/errors.ts';
import { identityOf } from '../../../core/identity/key.ts';
import { readPrivateKey } from '../../../deploy/signature/keys.ts';
import { signPackage } from '../../../deploy/signature/sign.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { type Run, runWayside } from '../../support/wayside.ts';

let folder: string;
const at = (...path: string[]): string => join(folder, ...path);
const etc = (...path: string[]): string => at('root', 'etc', 'wayside', ...path);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wayside-init-'));
  await writeFile(at('mqtt.pw'), 'br0ker-word\n');
  await writeFile(at('camera.pw'), 'c4mera-word\n');
});
afterEach(() => rm(folder, { recursive: true }));

const ANSWERS = {
  site: 'ring',
  box: 'km-12',
  broker: { url: 'mqtt://192.0.2.1', username: 'km-12', passwordFile: 'mqtt.pw' },
  cameras: [{ id: 'north', url: 'rtsp://192.0.2.7/stream2', username: 'viewer', passwordFile: 'camera.pw', rate: 4 }],
};

const options = (more: Partial<InitOptions> = {}): InitOptions => ({ root: at('root'), probe: false, ...more });

/** Below a root of the test, without asking anything of the network. */
async function initWith(answers: object | string, more: Partial<InitOptions> = {}): Promise<Initialized> {
  await writeFile(at('answers.yaml'), typeof answers === 'string' ? answers : stringify(answers));
  const { signal } = new AbortController();
  return await initialize(options({ answers: at('answers.yaml'), ...more }), { signal, tell: () => undefined });
}
const refusal = async (answers: object | string, more: Partial<InitOptions> = {}): Promise<WaysideError> => {
  const outcome: unknown = await initWith(answers, more).catch((thrown: unknown) => thrown);
  if (outcome instanceof WaysideError) return outcome;
  throw new Error(`it was not refused: ${JSON.stringify(outcome)}`);
};
/** The command itself. */
const init = (...args: string[]): Promise<Run> =>
  runWayside(['init', '--root', at('root'), '--no-probe', '--json', ...args], {
    env: { PATH: process.env['PATH'] ?? '' },
  });
const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
const errorOf = ({ stdout }: Run): { code: string; message: string; hint: string } => JSON.parse(stdout).error;
const ecKey = (): Promise<{ publicKey: string; privateKey: string }> =>
  promisify(generateKeyPair)('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const nothingWritten = async (): Promise<void> => expect(await readdir(etc()).catch(() => [])).toEqual([]);

describe('wayside init with answers', () => {
  it('writes a configuration whose secrets are files of root, and nowhere else', async () => {
    await writeFile(at('answers.yaml'), stringify(ANSWERS));
    const run = await init('--answers', at('answers.yaml'), '--write-answers', at('again.yaml'));
    expect(run).toMatchObject({ exit: 0 });
    expect(parse(await readFile(etc('wayside.yaml'), 'utf8'))).toEqual({
      site: 'ring',
      box: 'km-12',
      mqtt: {
        url: 'mqtt://192.0.2.1',
        username: 'km-12',
        passwordFile: '/run/credentials/wayside.service/secrets_mqtt',
      },
      model: { store: '/var/lib/wayside-models', name: DEFAULT_MODEL },
      identity: { key: '/run/credentials/wayside.service/secrets_identity', chain: 'identity.json' },
      cameras: [
        {
          id: 'north',
          url: 'rtsp://192.0.2.7/stream2',
          username: 'viewer',
          passwordFile: '/run/credentials/wayside.service/secrets_camera-north',
          rate: 4,
        },
      ],
    });
    expect(await readFile(etc('secrets', 'mqtt'), 'utf8')).toBe('br0ker-word');
    expect(await readFile(etc('secrets', 'camera-north'), 'utf8')).toBe('c4mera-word');
    expect(await modeOf(etc('secrets'))).toBe('700');
    for (const name of await readdir(etc('secrets'))) expect(await modeOf(etc('secrets', name))).toBe('600');
    expect((await readdir(etc())).sort()).toEqual(['identity.json', 'secrets', 'wayside.yaml']);
    const document = JSON.parse(run.stdout);
    const key = await readFile(etc('secrets', 'identity'), 'utf8');
    expect(document.identity).toMatchObject({ made: true, ...identityOf(key, 'key').publicKey });
    const texts = [
      run.stdout,
      run.stderr,
      await readFile(at('again.yaml'), 'utf8'),
      await readFile(etc('wayside.yaml'), 'utf8'),
    ];
    for (const secret of ['br0ker-word', 'c4mera-word', key.split('\n')[1] ?? ''])
      expect(texts.filter((text) => text.includes(secret))).toEqual([]);
  });

  it('leaves answers that lead to the same configuration on another machine, with an identity of its own', async () => {
    await initWith(ANSWERS, { writeAnswers: at('again.yaml') });
    const first = await readFile(etc('wayside.yaml'), 'utf8');
    const key = await readFile(etc('secrets', 'identity'), 'utf8');
    await rm(at('root'), { recursive: true });
    await initWith(await readFile(at('again.yaml'), 'utf8'));
    expect(await readFile(etc('wayside.yaml'), 'utf8')).toBe(first);
    expect(await readFile(etc('secrets', 'identity'), 'utf8')).not.toBe(key);
  });

  it('lets options of the command win, camera by camera', async () => {
    const more = { box: 'km-13', camera: ['south=rtsp://192.0.2.8/', 'north=rtsp://192.0.2.9/'] };
    const passwords = { cameraUser: ['south=guard'], cameraPasswordFile: [at('camera.pw')] };
    expect((await refusal(ANSWERS, { ...more, ...passwords })).message).toBe('missing: --camera-user north=NAME');
    await initWith(ANSWERS, more);
    const { box, cameras } = parse(await readFile(etc('wayside.yaml'), 'utf8'));
    expect([box, cameras]).toEqual([
      'km-13',
      [
        { id: 'south', url: 'rtsp://192.0.2.8/' },
        { id: 'north', url: 'rtsp://192.0.2.9/' },
      ],
    ]);
  });

  it('configures the agent from a root whose fingerprint was given, and refuses another', async () => {
    const signed = { _type: 'root', version: 1, expires: '2040-01-01T00:00:00Z' };
    const root = Buffer.from(JSON.stringify({ signed, signatures: [] }));
    await writeFile(at('root.json'), root);
    const digits = createHash('sha256').update(root).digest('hex');
    const repository = { url: 'https://updates.example/', root: 'root.json' };
    const wrong = await refusal({ ...ANSWERS, repository: { ...repository, fingerprint: '0'.repeat(64) } });
    expect(wrong).toMatchObject({ code: 'UPDATE_REFUSED', message: expect.stringContaining(digits) });
    await nothingWritten();
    const fingerprint = digits.toUpperCase().replace(/(..)(?=.)/g, '$1:');
    const agent = { username: 'km-12-agent', passwordFile: 'camera.pw' };
    const more = { groups: ['east'], tags: ['pi5'], windows: [{ from: '01:00', to: '04:30' }], agent };
    await initWith({ ...ANSWERS, ...more, repository: { ...repository, fingerprint } });
    expect(parse(await readFile(etc('agent.yaml'), 'utf8'))).toEqual({
      site: 'ring',
      box: 'km-12',
      groups: ['east'],
      tags: ['pi5'],
      model: DEFAULT_MODEL,
      repository: { url: 'https://updates.example/', root: 'root.json' },
      windows: [{ from: '01:00', to: '04:30' }],
      mqtt: {
        url: 'mqtt://192.0.2.1',
        username: 'km-12-agent',
        passwordFile: '/run/credentials/wayside-agent.service/secrets_mqtt',
      },
    });
    expect(await readFile(etc('root.json'))).toEqual(root);
    expect(await readFile(etc('agent-secrets', 'mqtt'), 'utf8')).toBe('c4mera-word');
    expect(parse(await readFile(etc('wayside.yaml'), 'utf8')).agent).toEqual({
      socket: '/run/wayside-agent/agent.sock',
    });
  });

  it.each([
    ['an unknown key', { ...ANSWERS, brokr: {} }, /answers\.yaml:\d+:\d+: .*`brokr`/],
    ['a password', { ...ANSWERS, broker: { ...ANSWERS.broker, password: 'pl4in-word' } }, /no password inside/],
    [
      'credentials in an address',
      { ...ANSWERS, broker: { url: 'mqtt://u:pl4in-word@192.0.2.1' } },
      /without credentials/,
    ],
    ['a name that is no level of a topic', { ...ANSWERS, box: 'a/b' }, /box: expected 1 to 64/],
    ['two of what excludes each other', { ...ANSWERS, broker: { url: 'mqtt://192.0.2.1', ca: 'mqtt.pw' } }, /mqtt/],
    ['a window that is none', { ...ANSWERS, windows: [{ from: '25:00', to: '01:00' }] }, /windows\[0\]\.from/],
    ['no YAML', 'site: [', /not YAML/],
  ])('refuses %s, and writes nothing', async (_, answers, words) => {
    const { exitCode, message, hint } = await refusal(answers);
    expect([Exit.data, Exit.config]).toContain(exitCode);
    expect(message).toMatch(words);
    expect(message + hint).not.toContain('pl4in-word');
    await nothingWritten();
  });

  it('keeps what is there, and with --force a copy of it, with the identity', async () => {
    await initWith(ANSWERS);
    const key = await readFile(etc('secrets', 'identity'), 'utf8');
    const before = await readFile(etc('wayside.yaml'), 'utf8');
    expect(await refusal({ ...ANSWERS, site: 'other' })).toMatchObject({
      code: 'OUTPUT_EXISTS',
      hint: expect.stringContaining('--force'),
    });
    expect(await readFile(etc('wayside.yaml'), 'utf8')).toBe(before);
    const { backup, identity } = await initWith({ ...ANSWERS, site: 'other' }, { force: true });
    if (backup === null) throw new Error('no copy was kept');
    expect(await readFile(join(backup, 'wayside.yaml'), 'utf8')).toBe(before);
    expect(await readFile(join(backup, 'secrets', 'mqtt'), 'utf8')).toBe('br0ker-word');
    expect(await modeOf(backup)).toBe('700');
    expect(identity.made).toBe(false);
    expect(await readFile(etc('secrets', 'identity'), 'utf8')).toBe(key);
    expect(parse(await readFile(etc('wayside.yaml'), 'utf8')).site).toBe('other');
  });

  it('says before anything is asked that it cannot write there', async () => {
    await writeFile(at('root'), 'a file where a folder has to be');
    await expect(initWith('site: [')).rejects.toMatchObject({ code: 'FILE_WRITE_FAILED' });
  });

  const signed = async (): Promise<string[]> => {
    const [old, current] = [await ecKey(), await ecKey()];
    await writeColourPackage(at('package'));
    await writeFile(at('model.key'), current.privateKey);
    await signPackage(at('package'), await readPrivateKey(at('model.key')));
    await writeFile(at('old.pub'), old.publicKey);
    await writeFile(at('model.pub'), current.publicKey);
    return [old.publicKey, current.publicKey];
  };

  it('copies the keys of whoever signs its models, as answers or as options, and names them', async () => {
    const keys = await signed();
    const model = { package: 'package', keys: ['old.pub', 'model.pub'] };
    await initWith({ ...ANSWERS, model }, { writeAnswers: at('again.yaml') });
    const { model: written } = parse(await readFile(etc('wayside.yaml'), 'utf8'));
    expect(written).toEqual({ package: at('package'), keys: ['model-key-1.pem', 'model-key-2.pem'] });
    const copied = written.keys.map((name: string) => readFile(etc(name), 'utf8'));
    expect(await Promise.all(copied)).toEqual(keys);
    expect(parse(await readFile(at('again.yaml'), 'utf8')).model.keys).toEqual([at('old.pub'), at('model.pub')]);
    await rm(at('root'), { recursive: true });
    await writeFile(at('answers.yaml'), stringify(ANSWERS));
    const flags = ['--model-key', at('model.pub'), '--model-key', at('old.pub'), '--model-package', at('package')];
    expect(await init('--answers', at('answers.yaml'), ...flags)).toMatchObject({ exit: 0 });
    expect(await readFile(etc('model-key-1.pem'), 'utf8')).toBe(keys[1]);
  });

  it('refuses keys that have not signed the model, and copies none that is private', async () => {
    await signed();
    const other = await refusal({ ...ANSWERS, model: { package: 'package', keys: ['old.pub'] } });
    expect(other).toMatchObject({ code: 'SIGNATURE_INVALID', exitCode: Exit.config });
    const secret = await refusal(ANSWERS, { modelKey: [at('model.key')] });
    expect(secret).toMatchObject({ code: 'KEY_INVALID', message: expect.stringContaining('this is a private key') });
    const gone = await refusal(ANSWERS, { modelKey: [at('gone.pub')] });
    expect(gone).toMatchObject({ code: 'FILE_NOT_FOUND', message: expect.stringContaining('gone.pub') });
    await nothingWritten();
  });

  it('writes nothing where the check of the daemon finds something', async () => {
    await mkdir(at('package'));
    expect(await refusal({ ...ANSWERS, model: { package: 'package' } })).toMatchObject({
      exitCode: Exit.config,
      message: expect.stringMatching(/model\.package/),
    });
    await nothingWritten();
  });
});

describe('wayside init without a terminal', () => {
  it('says every option that is missing', async () => {
    const run = await init('--broker', 'mqtt://192.0.2.1', '--broker-user', 'u', '--repository', 'https://u.example/');
    expect(run).toMatchObject({ exit: 64 });
    expect(errorOf(run).message).toBe('missing: --site, --box, --broker-password-file, --camera, --fingerprint');
  });

  it.each([
    { broker: 'mqtt://user:pl4in/word@host' },
    { camera: ['north=rtsp://user:pl4in-word@host/1'] },
    { camera: ['north=rtsp://user:pl4in?w#ord@host/1'] },
    { repository: 'https://user:pl4in-word@host/' },
  ])('refuses credentials in an address without repeating them: %j', async (flags) => {
    const { code, message, hint } = await refusal(ANSWERS, flags);
    expect(code).toBe('USAGE');
    expect(message + hint).not.toContain('pl4in');
  });

  it('refuses them on the command line, where everyone could read them', async () => {
    const run = await init('--broker', 'mqtt://user:pl4in-word@host');
    expect(run).toMatchObject({ exit: 64 });
    expect(errorOf(run).hint).toContain('Change the password');
    expect(run.stdout + run.stderr).not.toContain('pl4in');
  });

  it('takes passwords from open descriptors', async () => {
    const { fd, close } = await open(at('camera.pw')).then((file) => ({ fd: file.fd, close: () => file.close() }));
    try {
      await initWith({ ...ANSWERS, broker: { url: 'mqtt://192.0.2.1', username: 'km-12' } }, { brokerPasswordFd: fd });
    } finally {
      await close();
    }
    expect(await readFile(etc('secrets', 'mqtt'), 'utf8')).toBe('c4mera-word');
    expect(await refusal(ANSWERS, { force: true, agentPasswordFd: 1000 })).toMatchObject({ code: 'USAGE' });
  });

  it('ends with 66 where the answers are not there, and does not start services of another root', async () => {
    await expect(
      initialize(options({ answers: at('none.yaml') }), {
        signal: new AbortController().signal,
        tell: () => undefined,
      }),
    ).rejects.toMatchObject({ exitCode: Exit.noInput });
    expect(await init('--start')).toMatchObject({ exit: 64 });
  });
});
