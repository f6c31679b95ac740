/** A message of quality 0 that is not retained. */
interface Message {
  readonly topic: string;
  readonly payload: string;
  /** Whole seconds; MQTT 5 only. */
  readonly expirySeconds: number | undefined;
}

/** Type 3; no retransmission, quality 0, not retained (MQTT 5, 3.3.1). */
const PUBLISH = 0x30;
const CONTENT_TYPE = 0x03;
const MESSAGE_EXPIRY = 0x02;
const JSON_TYPE = 'application/json';

/**
 * A PUBLISH packet of quality 0 in one piece.
 *
 * mqtt.js takes twelve writes and a turn of the event loop for one, and keeps account of it: with a message for each frame that was a
 * fifth of all the supervisor did.
 */
export function publishPacket({ topic, payload, expirySeconds }: Message, level: 4 | 5): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  const payloadBytes = Buffer.byteLength(payload);
  const typed = level === 5 && payloadBytes > 0;
  const expires = typed && expirySeconds !== undefined;
  const propertyBytes = (typed ? 3 + JSON_TYPE.length : 0) + (expires ? 5 : 0); // below 128: its length takes one byte
  const remaining = 2 + topicBytes + (level === 5 ? 1 + propertyBytes : 0) + payloadBytes;
  const packet = Buffer.allocUnsafe(1 + lengthBytes(remaining) + remaining);
  packet[0] = PUBLISH;
  let at = writeLength(packet, 1, remaining);
  at = packet.writeUInt16BE(topicBytes, at);
  at += packet.write(topic, at);
  if (level === 5) at = packet.writeUInt8(propertyBytes, at);
  if (expires) {
    at = packet.writeUInt8(MESSAGE_EXPIRY, at);
    at = packet.writeUInt32BE(expirySeconds, at);
  }
  if (typed) {
    at = packet.writeUInt8(CONTENT_TYPE, at);
    at = packet.writeUInt16BE(JSON_TYPE.length, at);
    at += packet.write(JSON_TYPE, at, 'latin1');
  }
  packet.write(payload, at);
  return packet;
}

/** Seven bits a byte, lowest first (1.5.5): four bytes hold 256 MiB. */
const lengthBytes = (value: number): number => (value < 1 << 7 ? 1 : value < 1 << 14 ? 2 : value < 1 << 21 ? 3 : 4);

function writeLength(packet: Buffer, at: number, value: number): number {
  let rest = value;
  for (; rest > 127; rest >>>= 7) packet[at++] = (rest & 127) | 128;
  packet[at++] = rest;
  return at;
}
