import { createSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { interleaved } from './rtp.ts';

/** How RTP and RTCP get to a client. */
export interface Carrier {
  /** Value of `Transport` in the answer to SETUP, without the SSRC. */
  readonly granted: string;
  rtp(packet: Buffer): void;
  rtcp(packet: Buffer): void;
  close(): void;
}

/** Inside the RTSP connection (RFC 2326 section 10.12). */
function overTcp(socket: Socket, transport: string): Carrier {
  const asked = /interleaved=(\d+)-(\d+)/.exec(transport);
  const [rtp, rtcp] = [Number(asked?.[1] ?? 0) & 0xff, Number(asked?.[2] ?? 1) & 0xff];
  return {
    granted: `RTP/AVP/TCP;unicast;interleaved=${rtp}-${rtcp}`,
    rtp: (packet) => void socket.write(interleaved(rtp, packet)),
    rtcp: (packet) => void socket.write(interleaved(rtcp, packet)),
    close: () => undefined,
  };
}

/** Beside it, to two ports of the client; the ports it is told are ours by name only: what it sends there is not read. */
function overUdp(socket: Socket, transport: string): Carrier | undefined {
  const asked = /client_port=(\d+)-(\d+)/.exec(transport);
  if (asked === null || socket.remoteAddress === undefined) return undefined;
  const [rtp, rtcp, host] = [Number(asked[1]), Number(asked[2]), socket.remoteAddress];
  const sender = createSocket('udp4');
  sender.on('error', () => undefined); // a client that went away
  return {
    granted: `RTP/AVP;unicast;client_port=${rtp}-${rtcp};server_port=6970-6971`,
    rtp: (packet) => sender.send(packet, rtp, host),
    rtcp: (packet) => sender.send(packet, rtcp, host),
    close: () => sender.close(),
  };
}

/** @returns undefined where the client asks for neither */
export function carrierFor(socket: Socket, transport: string): Carrier | undefined {
  if (transport.includes('RTP/AVP/TCP')) return overTcp(socket, transport);
  return /RTP\/AVP(\/UDP)?;/.test(transport) && !transport.includes('multicast')
    ? overUdp(socket, transport)
    : undefined;
}
