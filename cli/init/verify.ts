import { readFile } from 'node:fs/promises';
import { rootTopic } from '../../contract/messages/topics.ts';
import type { BrokerProbe } from '../../contract/mqtt/probe.ts';
import { WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';
import type { CameraFacts } from '../../daemon/camera/probe.ts';
import type { Prober } from '../../daemon/probe/prober.ts';
import { type FirstRoot, fingerprintOf, requireFingerprint, rootOf } from '../../deploy/agent/first-root.ts';
import type { Answers, CameraAnswers } from './answers.ts';
import { agentUser } from './documents.ts';
import { cameraSecret, type Secrets } from './secrets.ts';

const text = async (path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : (await readNamedFile(path)).toString('utf8');
const bytes = async (path: string | undefined): Promise<Buffer | undefined> =>
  path === undefined ? undefined : await readNamedFile(path);

/** Sees for itself what a box would depend on, as the box would. */
export class Verifier {
  readonly #prober: Prober;
  readonly #secrets: Secrets;
  readonly #signal: AbortSignal;

  constructor(prober: Prober, secrets: Secrets, signal: AbortSignal) {
    this.#prober = prober;
    this.#secrets = secrets;
    this.#signal = signal;
  }

  /**
   * Connects to the broker as the daemon, and sends one message to itself.
   *
   * @throws {WaysideError} BROKER_UNAVAILABLE, BROKER_REFUSED
   */
  async broker({ site, box, broker }: Pick<Answers, 'site' | 'box' | 'broker'>): Promise<BrokerProbe> {
    const { username, ca, cert, key } = broker;
    const answer = await this.#ask(site, box, broker.url, username, 'mqtt', { ca, cert, key });
    const refusal =
      answer.refusal ?? (answer.readable && !answer.came ? 'it was confirmed and thrown away' : undefined);
    if (refusal === undefined) return answer;
    throw new WaysideError('BROKER_REFUSED', {
      message: `${broker.url}: ${username ?? 'a client without a name'} may not write ${answer.topic}: ${refusal}`,
      hint: 'docs/guide/rollout.md has the permissions of a box for mosquitto and RabbitMQ',
    });
  }

  /** Connects to the broker as the agent. @throws {WaysideError} BROKER_UNAVAILABLE */
  async agent(answers: Answers): Promise<BrokerProbe> {
    const { site, box, broker, agent } = answers;
    const { username, secret } = agentUser(answers);
    const own = { ca: broker.ca, cert: agent?.cert ?? broker.cert, key: agent?.key ?? broker.key };
    return await this.#ask(site, box, broker.url, username, secret, own);
  }

  async #ask(
    site: string,
    box: string,
    url: string,
    username: string | undefined,
    secret: string,
    files: { ca: string | undefined; cert: string | undefined; key: string | undefined },
  ): Promise<BrokerProbe> {
    const [ca, cert, key] = [await bytes(files.ca), await bytes(files.cert), await bytes(files.key)];
    const password = username === undefined ? undefined : this.#secrets.get(secret);
    // Another than that of the daemon: one that runs is not to be thrown out.
    const broker = {
      url,
      clientId: `wayside-${site}-${box}-init`,
      keepaliveSeconds: 30,
      username,
      password,
      ca,
      cert,
      key,
    };
    return await this.#prober.ask('broker', { broker, root: rootTopic(site, box) }, this.#signal);
  }

  /** @throws {WaysideError} CAMERA_..., DECODER_UNAVAILABLE, with the name of the camera */
  async camera({ id, url, username, transport, ca, insecure }: CameraAnswers): Promise<CameraFacts> {
    const password = this.#secrets.get(cameraSecret(id));
    const trust = { ca: await text(ca), insecure };
    const camera = {
      url,
      trust,
      ...(username && { username }),
      ...(password && { password }),
      ...(transport && { transport }),
    };
    try {
      return await this.#prober.ask('camera', { camera }, this.#signal);
    } catch (thrown) {
      if (!(thrown instanceof WaysideError)) throw thrown;
      const { code, message, hint } = thrown;
      throw new WaysideError(code, { message: `camera ${id}: ${message}`, ...(hint && { hint }), cause: thrown });
    }
  }

  /**
   * The first root of the repository, fetched or from a file, if its fingerprint is the one that was given.
   *
   * @throws {WaysideError} UPDATE_REFUSED, DOWNLOAD_FAILED
   */
  async root(repository: NonNullable<Answers['repository']>): Promise<FirstRoot> {
    const { url, version, ca, root: copy, fingerprint } = repository;
    const root =
      copy === undefined
        ? await this.#prober.ask('root', { url, version, ca: await text(ca) }, this.#signal)
        : rootOf(await readFile(copy), copy);
    const expected = fingerprintOf(fingerprint);
    if (expected !== undefined) requireFingerprint(root, expected, copy ?? url);
    return root;
  }
}

const hundredth = (value: number): string => String(Math.round(value * 100) / 100);

export function cameraText({ codec, profile, width, height, framesPerSecond, firstFrameMs }: CameraFacts): string {
  const rate = framesPerSecond === null ? 'rate unknown' : `${hundredth(framesPerSecond)} frames a second`;
  const name = profile === null ? codec : `${codec} (${profile})`;
  return `${name}, ${width}x${height}, ${rate}, first frame after ${hundredth(firstFrameMs / 1000)} s`;
}

export function brokerText({ protocol, connectMs, came, readable }: BrokerProbe): string {
  const back = came
    ? 'a message was sent and came back'
    : readable
      ? 'nothing came back'
      : 'it may not read its own topics';
  return `MQTT ${protocol}, connected in ${Math.round(connectMs)} ms, ${back}`;
}
