import type { CameraFacts } from '../../daemon/camera/probe.ts';
import type { DiscoveredCamera } from '../../daemon/probe/onvif/discovery.ts';
import type { DescribedStream, MediaQuestion } from '../../daemon/probe/onvif/media.ts';
import { answersSchema, type CameraAnswers, problemWith } from './answers.ts';
import type { Prompter } from './prompter.ts';
import { cameraSecret, type Secrets } from './secrets.ts';
import { cameraText, type Verifier } from './verify.ts';

const cameraShape = answersSchema.shape.cameras.element.shape;

/** How cameras are asked for what they are and have. */
export interface OnvifCameras {
  readonly discover: () => Promise<readonly DiscoveredCamera[]>;
  readonly streams: (question: MediaQuestion) => Promise<readonly DescribedStream[]>;
}

/** Asks for the cameras of a box, and looks at each at once. */
export class CameraInterview {
  /** What was seen, by camera. */
  readonly findings = new Map<string, CameraFacts>();
  readonly #prompter: Prompter;
  readonly #onvif: OnvifCameras;
  readonly #probe: boolean;

  constructor(prompter: Prompter, onvif: OnvifCameras, probe: boolean) {
    this.#prompter = prompter;
    this.#onvif = onvif;
    this.#probe = probe;
  }

  async complete(given: readonly CameraAnswers[], secrets: Secrets, verifier: Verifier): Promise<CameraAnswers[]> {
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
      if (user === '-') secrets.delete(cameraSecret(id));
      else secrets.set(cameraSecret(id), await prompter.secret(`Password of ${user}`));
      const credentials = user === '-' ? {} : { username: user, password: secrets.get(cameraSecret(id)) };
      if (chosen !== undefined) address = await this.#stream(chosen, credentials);
      if (address === undefined) continue;
      const camera = { id, url: address, ...(user === '-' ? {} : { username: user }) };
      if (!this.#probe) return camera;
      try {
        const facts = await verifier.camera(camera);
        this.findings.set(id, facts);
        prompter.say(`  ${cameraText(facts)}`);
        return camera;
      } catch (thrown) {
        prompter.failed(thrown);
        if (await prompter.agrees('Try again', true)) continue;
        secrets.delete(cameraSecret(id));
        return undefined;
      }
    }
  }

  /** @returns undefined where the camera does not tell: its address has to be typed */
  async #stream(
    { services: [service = ''], odd }: DiscoveredCamera,
    credentials: Pick<MediaQuestion, 'username' | 'password'>,
  ): Promise<string | undefined> {
    const prompter = this.#prompter;
    if (odd !== null && !(await prompter.agrees(`${odd}: ask it all the same`, false))) return undefined;
    try {
      const streams = await this.#onvif.streams({ service, ...credentials });
      for (const [index, stream] of streams.entries()) prompter.say(`  ${index + 1}. ${streamText(stream)}`);
      if (streams.length === 0) return undefined;
      const number = await prompter.ask('Which: a small one is enough, as the model sees small images', '1', (text) =>
        streams[Number(text) - 1] === undefined ? `a number from 1 to ${streams.length}` : undefined,
      );
      return streams[Number(number) - 1]?.url;
    } catch (thrown) {
      prompter.failed(thrown);
      return undefined;
    }
  }
}

function foundText({ address, name, hardware, odd }: DiscoveredCamera): string {
  const what = [name, hardware].filter((each) => each !== null).join(', ');
  return `${address}${what === '' ? '' : `  ${what}`}${odd === null ? '' : `  CAUTION: ${odd}`}`;
}

function streamText({ url, name, encoding, width, height, odd }: DescribedStream): string {
  const size = width === null || height === null ? '' : `${width}x${height}`;
  const what = [name, encoding, size].filter((each) => each !== null && each !== '').join(', ');
  return `${url}  ${what}${odd === null ? '' : `  CAUTION: ${odd}`}`;
}
