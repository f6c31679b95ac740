import { hostname } from 'node:os';
import type { BrokerProbe } from '../../contract/mqtt/probe.ts';
import type { CameraFacts } from '../../daemon/camera/probe.ts';
import type { FirstRoot } from '../../deploy/agent/first-root.ts';
import { answersSchema, type Draft, problemWith } from './answers.ts';
import { CameraInterview, type OnvifCameras } from './camera-interview.ts';
import { windowsOf } from './flags.ts';
import type { Prompter } from './prompter.ts';
import type { Secrets } from './secrets.ts';
import { brokerText, type Verifier } from './verify.ts';

const { site: siteSchema, broker: brokerSchema } = answersSchema.shape;

/** Gathers from a person what was not given, and tries each part at once. */
export class Interview {
  readonly findings: { broker?: BrokerProbe; root?: FirstRoot; readonly cameras: Map<string, CameraFacts> };
  readonly #prompter: Prompter;
  readonly #cameras: CameraInterview;
  readonly #probe: boolean;

  constructor(prompter: Prompter, onvif: OnvifCameras, probe: boolean) {
    this.#prompter = prompter;
    this.#cameras = new CameraInterview(prompter, onvif, probe);
    this.findings = { cameras: this.#cameras.findings };
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
    const cameras = await this.#cameras.complete(given.cameras ?? [], secrets, verifier);
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
      if (username === '-') secrets.delete('mqtt');
      else if (ask || secrets.get('mqtt') === undefined)
        secrets.set('mqtt', await prompter.secret(`Password of ${username}`));
      const { username: _name, passwordFile, ...others } = { ...before, url };
      const rest = ask || passwordFile === undefined ? others : { ...others, passwordFile };
      const broker = username === '-' ? rest : { ...rest, username };
      if (!this.#probe) return broker;
      try {
        this.findings.broker = await verifier.broker({ site, box, broker });
        prompter.say(`  ${brokerText(this.findings.broker)}`);
        return broker;
      } catch (thrown) {
        prompter.failed(thrown);
        before = broker;
      }
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
        prompter.failed(thrown);
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
