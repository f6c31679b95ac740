import { createHash, randomBytes } from 'node:crypto';
import { request } from 'undici';
import { messageOf, WaysideError } from '../../../core/errors.ts';
import { printable } from '../../camera/connect/response.ts';
import { elementAt, readXml, type XmlElement } from './xml.ts';

/** What is asked of a camera that answered to discovery. */
export interface MediaQuestion {
  /** `http://` address of its device service. */
  readonly service: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** For each question. @default 5000 */
  readonly timeoutMs?: number;
}

/** One of the streams of a camera, as it describes them. */
export interface DescribedStream {
  /** `rtsp://`, without credentials. */
  readonly url: string;
  readonly name: string;
  /** `H264`, `H265`, `JPEG`; null where it is not said. */
  readonly encoding: string | null;
  /** Pixels. */
  readonly width: number | null;
  readonly height: number | null;
  /** Why its address may be wrong; null where nothing is odd. */
  readonly odd: string | null;
}

const MOST_BYTES = 65_507;
const MOST_PROFILES = 16;
const DEVICE = 'http://www.onvif.org/ver10/device/wsdl';
const MEDIA = 'http://www.onvif.org/ver10/media/wsdl';

/**
 * Asks a camera for the addresses of its streams (ONVIF Media, ver10). It is spoken to at the address that it was found at, and nowhere else.
 *
 * @throws {WaysideError} CAMERA_REFUSED: user or password, CAMERA_LOST
 */
export async function streamsOf({
  service,
  username,
  password,
  timeoutMs = 5000,
}: MediaQuestion): Promise<DescribedStream[]> {
  const { hostname } = new URL(service);
  const skewMs = await clockSkew(service, timeoutMs);
  const ask = (url: string, body: string): Promise<XmlElement> =>
    soap(url, body, username === undefined ? '' : security(username, password ?? '', Date.now() + skewMs), timeoutMs);
  const capabilities = await ask(
    service,
    `<GetCapabilities xmlns="${DEVICE}"><Category>Media</Category></GetCapabilities>`,
  );
  const named = elementAt(capabilities, 'GetCapabilitiesResponse', 'Capabilities', 'Media', 'XAddr')?.text ?? '';
  const media = URL.canParse(named) && new URL(named).hostname === hostname ? named : service;
  const profiles =
    elementAt(await ask(media, `<GetProfiles xmlns="${MEDIA}"/>`), 'GetProfilesResponse')?.children ?? [];
  const streams: DescribedStream[] = [];
  for (const profile of profiles.slice(0, MOST_PROFILES)) {
    const token = profile.attributes['token'] ?? '';
    const setup = `<StreamSetup><Stream xmlns="http://www.onvif.org/ver10/schema">RTP-Unicast</Stream><Transport xmlns="http://www.onvif.org/ver10/schema"><Protocol>RTSP</Protocol></Transport></StreamSetup>`;
    const question = `<GetStreamUri xmlns="${MEDIA}">${setup}<ProfileToken>${escaped(token)}</ProfileToken></GetStreamUri>`;
    const uri = elementAt(await ask(media, question), 'GetStreamUriResponse', 'MediaUri', 'Uri')?.text ?? '';
    const stream = described(profile, uri, hostname);
    if (stream !== undefined) streams.push(stream);
  }
  return streams;
}

function described(profile: XmlElement, uri: string, hostname: string): DescribedStream | undefined {
  if (!URL.canParse(uri) || !/^rtsps?:$/.test(new URL(uri).protocol) || uri.length > 1024) return undefined;
  const url = uri.replace(/^(rtsps?:\/\/)[^@/?#]*@/i, '$1');
  const encoder = elementAt(profile, 'VideoEncoderConfiguration');
  const size = elementAt(encoder, 'Resolution');
  const pixels = (name: string): number | null => {
    const value = Number(elementAt(size, name)?.text ?? '');
    return Number.isInteger(value) && value > 0 && value < 100_000 ? value : null;
  };
  const host = new URL(url).hostname;
  return {
    url,
    name: printable(elementAt(profile, 'Name')?.text ?? ''),
    encoding: printable(elementAt(encoder, 'Encoding')?.text ?? '') || null,
    width: pixels('Width'),
    height: pixels('Height'),
    odd: host === hostname ? null : `it is at ${printable(host)}, not at ${hostname} where the camera was found`,
  };
}

/** Cameras refuse what was signed by another clock than theirs (WS-UsernameToken, `Created`). @returns ms that theirs is ahead */
async function clockSkew(service: string, timeoutMs: number): Promise<number> {
  const answer = await soap(service, `<GetSystemDateAndTime xmlns="${DEVICE}"/>`, '', timeoutMs).catch(
    (thrown: unknown) => {
      if (thrown instanceof WaysideError && thrown.code === 'CAMERA_REFUSED') return undefined; // it tells its time to its users only
      throw thrown;
    },
  );
  const time = elementAt(answer, 'GetSystemDateAndTimeResponse', 'SystemDateAndTime', 'UTCDateTime');
  const part = (...path: string[]): number => Number(elementAt(time, ...path)?.text ?? Number.NaN);
  const at = Date.UTC(
    part('Date', 'Year'),
    part('Date', 'Month') - 1,
    part('Date', 'Day'),
    part('Time', 'Hour'),
    part('Time', 'Minute'),
    part('Time', 'Second'),
  );
  return Number.isNaN(at) ? 0 : at - Date.now();
}

/** OASIS WS-Security UsernameToken Profile 1.0: the digest is of nonce, time and password. */
function security(username: string, password: string, now: number): string {
  const nonce = randomBytes(16);
  const created = new Date(now).toISOString();
  const digest = createHash('sha1').update(nonce).update(created).update(password).digest('base64');
  const base = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
  return `<w:Security xmlns:w="${base}-wssecurity-secext-1.0.xsd" s:mustUnderstand="1"><w:UsernameToken><w:Username>${escaped(username)}</w:Username><w:Password Type="${base}-username-token-profile-1.0#PasswordDigest">${digest}</w:Password><w:Nonce EncodingType="${base}-soap-message-security-1.0#Base64Binary">${nonce.toString('base64')}</w:Nonce><u:Created xmlns:u="${base}-wssecurity-utility-1.0.xsd">${created}</u:Created></w:UsernameToken></w:Security>`;
}

const escaped = (text: string): string => text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** @returns the body of the answer */
async function soap(url: string, body: string, header: string, timeoutMs: number): Promise<XmlElement> {
  const where = new URL(url).host;
  const envelope = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`;
  try {
    const response = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
      body: envelope,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response.body) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > MOST_BYTES) throw new Error(`its answer is longer than ${MOST_BYTES} bytes`);
    }
    if (response.statusCode === 401) throw refused(where);
    const answer = elementAt(readXml(Buffer.concat(chunks)), 'Body');
    if (answer === undefined) throw new Error('its answer is no SOAP');
    const fault = elementAt(answer, 'Fault');
    if (fault === undefined) return answer;
    if (/NotAuthorized/i.test(elementAt(fault, 'Code', 'Subcode', 'Value')?.text ?? '')) throw refused(where);
    throw new Error(`it says: ${printable(elementAt(fault, 'Reason', 'Text')?.text ?? 'a fault without a reason')}`);
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw new WaysideError('CAMERA_LOST', { message: `${where}, ONVIF: ${messageOf(cause).slice(0, 200)}`, cause });
  }
}

const refused = (where: string): WaysideError =>
  new WaysideError('CAMERA_REFUSED', {
    message: `${where}, ONVIF: user or password is wrong, or the user has no right to ask`,
    hint: 'many cameras have users for ONVIF apart from those of their web page',
  });
