import { type AccessUnit, type Codec, nalType } from './nal.ts';

/** RTP clock of every video format (RFC 6184 section 8.2.1, RFC 7798 section 7.1). */
export const RTP_CLOCK = 90_000;
export const PAYLOAD_TYPE = 96;
/** Fits an Ethernet frame although TCP would not mind: receivers are used to it. */
const LARGEST_PAYLOAD = 1400;
const HEADER = 12;

/** RTP timestamp of frame `index`, before a client's random offset: exact where fps divides 90,000. */
export function rtpTime(index: number, fps: number): number {
  return Math.round((index * RTP_CLOCK) / fps) % 2 ** 32;
}

/** Payloads of one picture in order: aggregated small units, single units, fragments. The last one gets the marker bit. */
export function payloadsOf(codec: Codec, unit: AccessUnit, largest = LARGEST_PAYLOAD): Buffer[] {
  const payloads: Buffer[] = [];
  let together: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (together.length > 0)
      payloads.push(together.length === 1 ? Buffer.from(together[0]!) : aggregate(codec, together));
    together = [];
    bytes = 0;
  };
  for (const nal of unit.nals) {
    const cost = nal.length + 2;
    if (nal.length > largest) {
      flush();
      payloads.push(...fragments(codec, nal, largest));
      continue;
    }
    if (bytes + cost > largest - 2) flush();
    together.push(nal);
    bytes += cost;
  }
  flush();
  return payloads;
}

/** STAP-A (RFC 6184 section 5.7.1, type 24) or AP (RFC 7798 section 4.4.2, type 48): each unit behind its 16-bit size. */
function aggregate(codec: Codec, nals: readonly Uint8Array[]): Buffer {
  const importance = Math.max(...nals.map((nal) => (nal[0] ?? 0) & 0x60));
  const header = codec === 'h264' ? [24 | importance] : [48 << 1, 1];
  const parts: Uint8Array[] = [Uint8Array.from(header)];
  for (const nal of nals) parts.push(Uint8Array.of(nal.length >> 8, nal.length & 0xff), nal);
  return Buffer.concat(parts);
}

/** FU-A (RFC 6184 section 5.8, type 28) or FU (RFC 7798 section 4.4.3, type 49): start and end bits, the unit's own header rebuilt from type. */
function fragments(codec: Codec, nal: Uint8Array, largest: number): Buffer[] {
  const headerSize = codec === 'h264' ? 1 : 2;
  const type = nalType(codec, nal);
  const indicator = codec === 'h264' ? [(nal[0]! & 0xe0) | 28] : [(nal[0]! & 0x81) | (49 << 1), nal[1]!];
  const room = largest - indicator.length - 1;
  const result: Buffer[] = [];
  for (let at = headerSize; at < nal.length; at += room) {
    const start = at === headerSize ? 0x80 : 0;
    const end = at + room >= nal.length ? 0x40 : 0;
    result.push(Buffer.concat([Uint8Array.from([...indicator, start | end | type]), nal.subarray(at, at + room)]));
  }
  return result;
}

/** Numbers and stamps the packets of one client (RFC 3550 section 5.1). */
export class RtpStream {
  readonly ssrc: number;
  readonly timestampOffset: number;
  #sequence: number;
  packets = 0;
  octets = 0;

  constructor(random: () => number = Math.random) {
    this.ssrc = Math.floor(random() * 2 ** 32);
    this.timestampOffset = Math.floor(random() * 2 ** 32);
    this.#sequence = Math.floor(random() * 2 ** 16);
  }

  get nextSequence(): number {
    return this.#sequence;
  }

  timestamp(time: number): number {
    return (this.timestampOffset + time) % 2 ** 32;
  }

  packet(payload: Uint8Array, time: number, marker: boolean): Buffer {
    const packet = Buffer.allocUnsafe(HEADER + payload.length);
    packet[0] = 0x80;
    packet[1] = (marker ? 0x80 : 0) | PAYLOAD_TYPE;
    packet.writeUInt16BE(this.#sequence, 2);
    packet.writeUInt32BE(this.timestamp(time), 4);
    packet.writeUInt32BE(this.ssrc, 8);
    packet.set(payload, HEADER);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.packets++;
    this.octets += payload.length;
    return packet;
  }
}

/** `$`, channel, size: RTP inside the RTSP connection (RFC 2326 section 10.12). */
export function interleaved(channel: number, packet: Uint8Array): Buffer {
  return Buffer.concat([Uint8Array.of(0x24, channel, packet.length >> 8, packet.length & 0xff), packet]);
}
