import { hostname } from 'node:os';
import type { BrokerProbe } from '../../contract/mqtt/probe.ts';
import { formatError, WaysideError } from '../../core/errors.ts';
import type { CameraFacts } from '../../daemon/camera/probe.ts';
import type { DiscoveredCamera } from '../../daemon/probe/onvif/discovery.ts';
import type { DescribedStream, MediaQuestion } from '../../daemon/probe/onvif/media.ts';
import type { FirstRoot } from '../../deploy/agent/first-root.ts';
import { answersSchema, type CameraAnswers, type Draft } from './answers.ts';
import { windowsOf } from './flags.ts';
import type { Prompter } from './prompter.ts';
import { cameraSecret, type Secrets } from './secrets.ts';
import { brokerText, cameraText, type Verifier } from './verify.ts';

/** Whether a value would be refused, and how, by the schema of the answers. */
const problemWith =
  (part: { safeParse: (value: unknown) => { error?: { issues: readonly { message: string }[] } } }) =>
  (text: string): string | undefined => {
    const issue = part.safeParse(text).error?.issues[0];
    return issue === undefined ? undefined : `expected ${issue.message}`;
  };

const { site: siteSchema, broker: brokerSchema, cameras: camerasSchema } = answersSchema.shape;
const cameraShape = camerasSchema.element.shape;

/** How cameras are asked for what they are and have. */
interface OnvifCameras {
  readonly discover: () => Promise<readonly DiscoveredCamera[]>;
  readonly streams: (question: MediaQuestion) => Promise<readonly DescribedStream[]>;
}

/** Gathers from a person what was not given, and tries each part at once. */
export class Interview {
  readonly findings: { broker?: BrokerProbe; root?: FirstRoot; readonly cameras: Map<string, CameraFacts> } = {
    cameras: new Map(),
  };
  readonly #prompter: Prompter;
  readonly #onvif: OnvifCameras;
  readonly #probe: boolean;

  constructor(prompter: Prompter, onvif: OnvifCameras, probe: boolean) {
    this.#prompter = prompter;
    this.#onvif = onvif;
    this.#probe = probe;
  }

  async complete(given: Draft, secrets: Secrets, verifier: Verifier): Promise<Draft> {
    const prompter = this.#prompter;
    const name = hostname()
      .replace(/\..*$/, '')
      .replaceAll(/[^A-Za-z0-9_-]/g, '-');
    const site =
      given.site ??
      (await prompter.ask('Site: the installation, part of every topic', undefined, problemWith(siteSchema)));
    const box = given.box ?? (await prompter.ask('Box: the name of this computer', name, problemWith(siteSchema)));
    const broker = await this.#broker({ site, box, broker: given.broker }, secrets, verifier);
    const cameras = await this.#cameras(given.cameras ?? [], secrets, verifier);
    const repository = await this.#repository(given, verifier);
    const agent = repository === undefined ? given.agent : await this.#agent({ ...given, broker }, secrets);
    const { groups, tags, windows } = await this.#placeInSite(given, repository !== undefined);
    return { ...given, site, box, broker, cameras, repository, agent, groups, tags, windows };
  }

  async #broker(
    { site, box, broker: given }: { site: string; box: string; broker: Draft['broker'] },
    secrets: Secrets,
    verifier: Verifier,
  ): Promise<NonNullable<Draft['broker']>> {
    const prompter = this.#prompter;
    let before = given ?? {};
    for (let again = false; ; again = true) {
      const ask = again || before.url === undefined;
      const url = ask
        ? await prompter.ask('Broker', before.url ?? 'mqtts://', problemWith(brokerSchema.shape.url))
        : (before.url ?? '');
      const username = ask
        ? await prompter.ask('User name at the broker (- for none)', before.username ?? box)
        : (before.username ?? '-');
      if (username !== '-' && (ask || secrets.get('mqtt') === undefined))
        secrets.set('mqtt', await prompter.secret(`Password of ${username}`));
      const { username: _, ...rest } = { ...before, url };
      const broker = username === '-' ? rest : { ...rest, username };
      if (!this.#probe) return broker;
      try {
        this.findings.broker = await verifier.broker({ site, box, broker });
        prompter.say(`  ${brokerText(this.findings.broker)}`);
        return broker;
      } catch (thrown) {
        this.#failed(thrown);
        before = broker;
      }
    }
  }

  #failed(thrown: unknown): void {
    if (!(thrown instanceof WaysideError) || thrown.code === 'INTERRUPTED') throw thrown;
    this.#prompter.say(`  ${formatError(thrown).replaceAll('\n', '\n  ')}`);
  }

  async #cameras(given: readonly CameraAnswers[], secrets: Secrets, verifier: Verifier): Promise<CameraAnswers[]> {
    const prompter = this.#prompter;
    const cameras: CameraAnswers[] = [];
    for (const camera of given) cameras.push(await this.#withPassword(camera, secrets));
    if (cameras.length > 0) return cameras;
    prompter.say('Looking for cameras (ONVIF) ...');
    const found = await this.#onvif.discover();
    for (const [index, camera] of found.entries()) prompter.say(`  ${index + 1}. ${foundText(camera)}`);
    if (found.length === 0) prompter.say('  none answered: many have ONVIF turned off');
    do {
      const camera = await this.#camera(found, cameras, secrets, verifier);
      if (camera !== undefined) cameras.push(camera);
    } while (cameras.length === 0 || (await prompter.agrees('Another camera', false)));
    return cameras;
  }

  async #withPassword(camera: CameraAnswers, secrets: Secrets): Promise<CameraAnswers> {
    const { id, username } = camera;
    if (username !== undefined && secrets.get(cameraSecret(id)) === undefined)
      secrets.set(cameraSecret(id), await this.#prompter.secret(`Password of ${username} at camera ${id}`));
    return camera;
  }

  /** @returns undefined for one that is left out */
  async #camera(
    found: readonly DiscoveredCamera[],
    known: readonly CameraAnswers[],
    secrets: Secrets,
    verifier: Verifier,
  ): Promise<CameraAnswers | undefined> {
    const prompter = this.#prompter;
    const taken = (id: string): string | undefined =>
      known.some((each) => each.id === id) ? 'there is one of that name' : problemWith(cameraShape.id)(id);
    let address: string | undefined;
    let user: string | undefined;
    const id = await prompter.ask('Name of the camera: part of its topics', undefined, taken);
    for (;;) {
      const numbers = found.length === 0 ? '' : `, or its number above`;
      const answer = await prompter.ask(`Address: rtsp://HOST/PATH${numbers}`, address, (text) =>
        found[Number(text) - 1] === undefined ? problemWith(cameraShape.url)(text) : undefined,
      );
      const chosen = found[Number(answer) - 1];
      if (chosen === undefined) address = answer;
      user = await prompter.ask('User name at the camera (- for none)', user ?? '-');
      if (user !== '-') secrets.set(cameraSecret(id), await prompter.secret(`Password of ${user}`));
      const credentials = user === '-' ? {} : { username: user, password: secrets.get(cameraSecret(id)) };
      if (chosen !== undefined) address = await this.#stream(chosen, credentials);
      if (address === undefined) continue;
      const camera = { id, url: address, ...(user === '-' ? {} : { username: user }) };
      if (!this.#probe) return camera;
      try {
        const facts = await verifier.camera(camera);
        this.findings.cameras.set(id, facts);
        prompter.say(`  ${cameraText(facts)}`);
        return camera;
      } catch (thrown) {
        this.#failed(thrown);
        if (!(await prompter.agrees('Try again', true))) return undefined;
      }
    }
  }

  /** @returns undefined where the camera does not tell: its address has to be typed */
  async #stream(
    { services: [service = ''] }: DiscoveredCamera,
    credentials: Pick<MediaQuestion, 'username' | 'password'>,
  ): Promise<string | undefined> {
    const prompter = this.#prompter;
    try {
      const streams = await this.#onvif.streams({ service, ...credentials });
      for (const [index, stream] of streams.entries()) prompter.say(`  ${index + 1}. ${streamText(stream)}`);
      if (streams.length === 0) return undefined;
      const number = await prompter.ask('Which: a small one is enough, as the model sees small images', '1', (text) =>
        streams[Number(text) - 1] === undefined ? `a number from 1 to ${streams.length}` : undefined,
      );
      return streams[Number(number) - 1]?.url;
    } catch (thrown) {
      this.#failed(thrown);
      return undefined;
    }
  }

  async #repository(given: Draft, verifier: Verifier): Promise<Draft['repository']> {
    const prompter = this.#prompter;
    if (given.repository === undefined && !(await prompter.agrees('Fetch models from an update repository', false)))
      return undefined;
    const { url: urlSchema, fingerprint: printSchema } = answersSchema.shape.repository.unwrap().shape;
    let { url: before, fingerprint: print } = given.repository ?? {};
    for (let again = false; ; again = true) {
      const url =
        again || before === undefined
          ? await prompter.ask('Its address: holds metadata/ and targets/', before, problemWith(urlSchema))
          : before;
      const fingerprint =
        print ??
        (await prompter.ask('SHA-256 of its first root, as the office says it', undefined, problemWith(printSchema)));
      const repository = { ...given.repository, url, fingerprint };
      try {
        this.findings.root = await verifier.root(repository);
        prompter.say(`  it is that root; it expires on ${this.findings.root.expires}`);
        return repository;
      } catch (thrown) {
        this.#failed(thrown);
        [before, print] = [url, undefined];
      }
    }
  }

  /** @returns undefined where the agent is at the broker as the daemon is */
  async #agent({ agent, broker }: Draft, secrets: Secrets): Promise<Draft['agent']> {
    const prompter = this.#prompter;
    const username =
      agent?.username ?? (await prompter.ask('User name of the update agent at the broker (- as the daemon)', '-'));
    if (username === '-') return agent;
    if (secrets.get('agent') === undefined)
      secrets.set('agent', await prompter.secret(`Password of ${username} at ${broker?.url ?? 'the broker'}`));
    return { ...agent, username };
  }

  async #placeInSite(given: Draft, fetches: boolean): Promise<Pick<Draft, 'groups' | 'tags' | 'windows'>> {
    const { groups, tags, windows } = given;
    if (!fetches) return { groups, tags, windows };
    const prompter = this.#prompter;
    const list = async (question: string): Promise<string[]> => {
      const wrong = (text: string): string | undefined =>
        words(text)
          .map(problemWith(siteSchema))
          .find((each) => each !== undefined);
      return words(await prompter.ask(question, '', wrong));
    };
    const readable = (text: string): string | undefined => {
      try {
        windowsOf(words(text));
        return undefined;
      } catch {
        return 'expected times in UTC such as 01:00-04:30';
      }
    };
    return {
      groups: groups ?? (await list('Groups of boxes that it is in, with commas (empty: none)')),
      tags: tags ?? (await list('Tags, with commas (empty: none)')),
      windows:
        windows ??
        windowsOf(
          words(await prompter.ask('Maintenance window in UTC, such as 01:00-04:30 (empty: always)', '', readable)),
        ),
    };
  }
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

function foundText({ address, name, hardware, odd }: DiscoveredCamera): string {
  const what = [name, hardware].filter((each) => each !== null).join(', ');
  return `${address}${what === '' ? '' : `  ${what}`}${odd === null ? '' : `  CAUTION: ${odd}`}`;
}

function streamText({ url, name, encoding, width, height, odd }: DescribedStream): string {
  const size = width === null || height === null ? '' : `${width}x${height}`;
  const what = [name, encoding, size].filter((each) => each !== null && each !== '').join(', ');
  return `${url}  ${what}${odd === null ? '' : `  CAUTION: ${odd}`}`;
}
