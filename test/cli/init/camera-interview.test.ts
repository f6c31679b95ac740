import { describe, expect, it } from 'vitest';
import { CameraInterview, type OnvifCameras } from '../../../cli/init/camera-interview.ts';
import { Prompter } from '../../../cli/init/prompter.ts';
import { Secrets } from '../../../cli/init/secrets.ts';
import { Verifier } from '../../../cli/init/verify.ts';
import { WaysideError } from '../../../core/errors.ts';
import type { DescribedStream, MediaQuestion } from '../../../daemon/probe/onvif/media.ts';
import { Prober } from '../../../daemon/probe/prober.ts';

/** A person who has an answer ready for each question, by its first word. */
class ReadyPerson extends Prompter {
  readonly heard: string[] = [];
  readonly #lines: [question: string, answer: string][];

  constructor(lines: [question: string, answer: string][]) {
    super();
    this.#lines = lines;
  }

  override say(text: string): void {
    this.heard.push(text);
  }

  override async ask(
    question: string,
    fallback?: string,
    problem: (text: string) => string | undefined = () => undefined,
  ) {
    for (;;) {
      const [expected = 'nothing', answer = ''] = this.#lines.shift() ?? [];
      if (!question.startsWith(expected)) throw new Error(`asked ${question}, expected ${expected}`);
      const given = answer === '' ? (fallback ?? '') : answer;
      const wrong = problem(given);
      if (wrong === undefined) return given;
      this.say(wrong);
    }
  }

  override secret(question: string): Promise<string> {
    return this.ask(question);
  }
}

const camera = { address: '192.0.2.7', services: ['http://192.0.2.7/onvif'], name: 'Gate', hardware: 'X', odd: null };
const stream: DescribedStream = {
  url: 'rtsp://192.0.2.7/sub',
  name: 'Sub',
  encoding: 'H264',
  width: 640,
  height: 360,
  odd: null,
};

async function interview(lines: [string, string][], onvif: Partial<OnvifCameras> = {}) {
  const [person, secrets, asked] = [new ReadyPerson(lines), new Secrets(), [] as MediaQuestion[]];
  const cameras = new CameraInterview(
    person,
    {
      discover: () => Promise.resolve([camera]),
      streams: (question) => {
        asked.push(question);
        return Promise.resolve([{ ...stream, url: 'rtsp://192.0.2.7/main' }, stream]);
      },
      ...onvif,
    },
    false,
  );
  const verifier = new Verifier(new Prober(undefined), secrets, new AbortController().signal);
  return { cameras: await cameras.complete([], secrets, verifier), person, secrets, asked };
}

describe('cameras that were found', () => {
  it('are chosen by number, and then one of their streams', async () => {
    const { cameras, asked, secrets } = await interview([
      ['Name', 'a/b'],
      ['Name', 'gate'],
      ['Address', '2'],
      ['Address', '1'],
      ['User', 'viewer'],
      ['Password', 'word'],
      ['Which', '3'],
      ['Which', '2'],
      ['Another', 'n'],
    ]);
    expect(cameras).toEqual([{ id: 'gate', url: 'rtsp://192.0.2.7/sub', username: 'viewer' }]);
    expect(asked).toEqual([{ service: 'http://192.0.2.7/onvif', username: 'viewer', password: 'word' }]);
    expect(secrets.get('camera-gate')).toBe('word');
  });

  it('are given no password where their answer is odd, unless the person wants it', async () => {
    const odd = { ...camera, odd: '192.0.2.7 answered for 203.0.113.1' };
    const { cameras, asked, person, secrets } = await interview(
      [
        ['Name', 'gate'],
        ['Address', '1'],
        ['User', 'viewer'],
        ['Password', 'word'],
        ['192.0.2.7 answered for 203.0.113.1: ask it', ''],
        ['Address', 'rtsp://192.0.2.8/'],
        ['User', '-'],
        ['Another', 'n'],
      ],
      { discover: () => Promise.resolve([odd]) },
    );
    expect(asked).toEqual([]);
    expect(person.heard.join('\n')).toContain('CAUTION: 192.0.2.7 answered for 203.0.113.1');
    expect(cameras).toEqual([{ id: 'gate', url: 'rtsp://192.0.2.8/' }]);
    expect(secrets.get('camera-gate')).toBeUndefined();
  });

  it('are asked for by their address where they tell no streams, or refuse', async () => {
    const refused = new WaysideError('CAMERA_REFUSED', { message: '192.0.2.7, ONVIF: user or password is wrong' });
    const { cameras, person } = await interview(
      [
        ['Name', 'gate'],
        ['Address', '1'],
        ['User', '-'],
        ['Address', 'rtsp://192.0.2.7/typed'],
        ['User', ''],
        ['Another', 'n'],
      ],
      { streams: () => Promise.reject(refused) },
    );
    expect(person.heard.join('\n')).toContain('user or password is wrong');
    expect(cameras).toEqual([{ id: 'gate', url: 'rtsp://192.0.2.7/typed' }]);
  });
});
