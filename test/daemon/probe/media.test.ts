import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { streamsOf } from '../../../daemon/probe/onvif/media.ts';
import { elementAt, readXml } from '../../../daemon/probe/onvif/xml.ts';

const AHEAD_MS = 3_600_000;
const envelope = (body: string): string =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>${body}</s:Body></s:Envelope>`;

/** A camera whose clock is an hour ahead, and which checks who asks as WS-Security says. */
class OnvifCamera {
  readonly #server: Server;
  readonly asked: string[] = [];
  /** Bodies by the question, in place of its own. */
  readonly answers = new Map<string, string>();
  streamHost = '127.0.0.1';

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<OnvifCamera> {
    const server = createServer().listen(0, '127.0.0.1');
    const camera = new OnvifCamera(server);
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const [status, answer] = camera.#answer(body);
        response.writeHead(status, { 'content-type': 'application/soap+xml' }).end(answer);
      });
    });
    await once(server, 'listening');
    return camera;
  }

  get service(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/onvif/device_service`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(body: string): [status: number, answer: string] {
    const root = readXml(Buffer.from(body));
    const question = elementAt(root, 'Body')?.children[0];
    const name = question?.name ?? '';
    this.asked.push(name);
    const given = this.answers.get(name);
    if (given !== undefined) return [200, given];
    if (name === 'GetSystemDateAndTime') return [200, envelope(timeAnswer(new Date(Date.now() + AHEAD_MS)))];
    const token = elementAt(root, 'Header', 'Security', 'UsernameToken');
    const part = (what: string): string => elementAt(token, what)?.text ?? '';
    const digest = createHash('sha1')
      .update(Buffer.from(part('Nonce'), 'base64'))
      .update(`${part('Created')}r<ght`);
    const late = Math.abs(Date.parse(part('Created')) - Date.now() - AHEAD_MS);
    if (part('Username') !== 'viewer' || part('Password') !== digest.digest('base64') || late > AHEAD_MS / 2) {
      const fault = '<s:Fault><s:Code><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code></s:Fault>';
      return [400, envelope(fault)];
    }
    if (name === 'GetCapabilities') {
      const address = this.service.replace('device_service', 'media');
      return [
        200,
        envelope(
          `<GetCapabilitiesResponse><Capabilities><Media><XAddr>${address}</XAddr></Media></Capabilities></GetCapabilitiesResponse>`,
        ),
      ];
    }
    if (name === 'GetProfiles')
      return [
        200,
        envelope(`<GetProfilesResponse>${profile('a"1', 1920, 1080)}${profile('b', 640, 360)}</GetProfilesResponse>`),
      ];
    const wanted = elementAt(question, 'ProfileToken')?.text;
    const path = wanted === 'a"1' ? 'main' : 'sub';
    return [
      200,
      envelope(
        `<GetStreamUriResponse><MediaUri><Uri>rtsp://u:p@${this.streamHost}/${path}?a=1&amp;b=2</Uri></MediaUri></GetStreamUriResponse>`,
      ),
    ];
  }
}

const timeAnswer = (at: Date): string =>
  `<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>${at.getUTCHours()}</Hour><Minute>${at.getUTCMinutes()}</Minute><Second>${at.getUTCSeconds()}</Second></Time><Date><Year>${at.getUTCFullYear()}</Year><Month>${at.getUTCMonth() + 1}</Month><Day>${at.getUTCDate()}</Day></Date></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>`;
const profile = (token: string, width: number, height: number): string =>
  `<Profiles token='${token}'><Name>P ${width}</Name><VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>${width}</Width><Height>${height}</Height></Resolution></VideoEncoderConfiguration></Profiles>`;

describe('the streams of a camera', () => {
  let camera: OnvifCamera;
  const ask = async (password = 'r<ght') =>
    await streamsOf({ service: camera.service, username: 'viewer', password, timeoutMs: 2000 });
  afterEach(() => camera.close());

  it('are told to its user, whose clock is not that of the camera, with addresses without credentials', async () => {
    camera = await OnvifCamera.start();
    const stream = { encoding: 'H264', odd: null };
    expect(await ask()).toEqual([
      { ...stream, url: 'rtsp://127.0.0.1/main?a=1&b=2', name: 'P 1920', width: 1920, height: 1080 },
      { ...stream, url: 'rtsp://127.0.0.1/sub?a=1&b=2', name: 'P 640', width: 640, height: 360 },
    ]);
  });

  it('are told to nobody else', async () => {
    camera = await OnvifCamera.start();
    await expect(ask('wrong')).rejects.toMatchObject({ code: 'CAMERA_REFUSED' });
  });

  it('are marked where they are somewhere else, and asked for where the camera was found', async () => {
    camera = await OnvifCamera.start();
    camera.streamHost = '203.0.113.9';
    const elsewhere = `<GetCapabilitiesResponse><Capabilities><Media><XAddr>http://203.0.113.9/media</XAddr></Media></Capabilities></GetCapabilitiesResponse>`;
    camera.answers.set('GetCapabilities', envelope(elsewhere));
    expect((await ask()).map(({ odd }) => odd)).toEqual(Array(2).fill(expect.stringContaining('203.0.113.9')));
  });

  it.each([
    ['what is no XML', 'GetProfiles', 'HTTP', /outside of every element/],
    ['what declares entities', 'GetCapabilities', '<!DOCTYPE a [<!ENTITY b "c">]><a/>', /declares something/],
    ['more than it may', 'GetProfiles', `<a>${'x'.repeat(200_000)}</a>`, /longer than/],
    ['a fault', 'GetProfiles', envelope('<s:Fault><s:Reason><s:Text>busy</s:Text></s:Reason></s:Fault>'), /busy/],
  ])('are not had from %s', async (_, question, answer, words) => {
    camera = await OnvifCamera.start();
    camera.answers.set(question, answer);
    await expect(ask()).rejects.toMatchObject({ code: 'CAMERA_LOST', message: expect.stringMatching(words) });
  });

  it('are none where its addresses are those of files and pages', async () => {
    camera = await OnvifCamera.start();
    const uri = (text: string): string =>
      envelope(`<GetStreamUriResponse><MediaUri><Uri>${text}</Uri></MediaUri></GetStreamUriResponse>`);
    camera.answers.set('GetStreamUri', uri('file:///etc/passwd'));
    expect(await ask()).toEqual([]);
  });
});
