import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { printable } from '../../camera/connect/response.ts';
import { type LocalNetwork, liesWithin, localNetworks } from './subnet.ts';
import { elementAt, readXml, type XmlElement } from './xml.ts';

/** A camera that answered to ONVIF WS-Discovery, as it describes itself: nothing of it is proven. */
export interface DiscoveredCamera {
  /** Where its answer came from. */
  readonly address: string;
  /** `http://` addresses of its services. */
  readonly services: readonly string[];
  readonly name: string | null;
  readonly hardware: string | null;
  /** Why it may be none of the cameras of this network; null where nothing is odd. */
  readonly odd: string | null;
}

interface DiscoverOptions {
  /** @default 3000 */
  readonly listenMs?: number;
  /** @default those of this machine */
  readonly networks?: readonly LocalNetwork[];
  /** @default 239.255.255.250 */
  readonly group?: string;
  /** @default 3702 */
  readonly port?: number;
  readonly signal?: AbortSignal;
}

const MOST_CAMERAS = 256;
const MOST_SERVICES = 8;
/** Datagrams get lost: asked twice (SOAP-over-UDP, 4). */
const AGAIN_MS = 400;

/** WS-Discovery, 5.2, for what ONVIF (Core Specification, 7.3) calls a transmitter of video. */
const probeMessage = (id: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header><w:MessageID>${id}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To><w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header><e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>`;

/** Asks the networks of this machine for cameras. What is no answer to the question is passed over. */
export async function discoverCameras({
  listenMs = 3000,
  networks = localNetworks(),
  group = '239.255.255.250',
  port = 3702,
  signal,
}: DiscoverOptions = {}): Promise<DiscoveredCamera[]> {
  const id = `urn:uuid:${randomUUID()}`;
  const found = new Map<string, DiscoveredCamera>();
  const hear = (bytes: Buffer, from: string): void => {
    for (const camera of camerasIn(bytes, id, from, networks))
      if (found.size < MOST_CAMERAS) found.set(`${from} ${camera.services.join(' ')}`, camera);
  };
  const sockets = await Promise.all(networks.map(({ address }) => listen(address, hear)));
  try {
    const ask = (): void => {
      for (const socket of sockets) socket?.send(probeMessage(id), port, group, () => undefined); // a link that is down
    };
    ask();
    await pause(Math.min(AGAIN_MS, listenMs), undefined, { signal });
    ask();
    await pause(Math.max(0, listenMs - AGAIN_MS), undefined, { signal });
  } finally {
    for (const socket of sockets) socket?.close();
  }
  return [...found.values()].sort((a, b) => a.address.localeCompare(b.address, 'en', { numeric: true }));
}

/** @returns undefined for an address that cannot be used at the moment */
async function listen(address: string, hear: (bytes: Buffer, from: string) => void): Promise<Socket | undefined> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { address: from }) => hear(bytes, from));
  try {
    socket.bind({ address, port: 0 });
    await once(socket, 'listening');
    socket.setMulticastInterface(address);
    socket.setMulticastTTL(1);
    socket.on('error', () => undefined);
    return socket;
  } catch {
    socket.close();
    return undefined;
  }
}

/** The cameras of one answer; none where it is hostile, broken, or an answer to somebody else. */
export function camerasIn(
  bytes: Buffer,
  id: string,
  from: string,
  networks: readonly LocalNetwork[],
): DiscoveredCamera[] {
  let envelope: XmlElement;
  try {
    envelope = readXml(bytes);
  } catch {
    return []; // anybody on the network can send anything there
  }
  if (envelope.name !== 'Envelope' || elementAt(envelope, 'Header', 'RelatesTo')?.text !== id) return [];
  const matches = elementAt(envelope, 'Body', 'ProbeMatches')?.children ?? [];
  return matches.slice(0, MOST_CAMERAS).flatMap((match) => {
    const services = (elementAt(match, 'XAddrs')?.text ?? '')
      .split(/\s+/)
      .filter((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && text.length <= 512)
      .slice(0, MOST_SERVICES);
    if (match.name !== 'ProbeMatch' || services.length === 0) return [];
    const scopes = (elementAt(match, 'Scopes')?.text ?? '').split(/\s+/);
    const odd = oddity(from, services, networks);
    return [{ address: from, services, name: scopeOf(scopes, 'name'), hardware: scopeOf(scopes, 'hardware'), odd }];
  });
}

function oddity(from: string, services: readonly string[], networks: readonly LocalNetwork[]): string | null {
  if (!liesWithin(from, networks)) return `its answer came from ${from}, outside of the networks that were asked`;
  const hosts = services.map((text) => new URL(text).hostname);
  if (hosts.includes(from)) return null;
  const elsewhere = hosts.find((host) => !liesWithin(host, networks));
  return elsewhere === undefined
    ? `${from} answered for ${hosts[0] ?? ''}`
    : `${from} answered for ${printable(elsewhere)}, outside of the networks that were asked`;
}

/** `onvif://www.onvif.org/name/North%20gate` */
function scopeOf(scopes: readonly string[], kind: string): string | null {
  const start = `onvif://www.onvif.org/${kind}/`;
  const value = scopes.find((scope) => scope.startsWith(start))?.slice(start.length);
  if (value === undefined) return null;
  try {
    return printable(decodeURIComponent(value)) || null;
  } catch {
    return printable(value) || null; // a bare `%`
  }
}
