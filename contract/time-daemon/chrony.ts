import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '../messages/envelope.ts';

/**
 * The monitoring protocol of chronyd, version 6 (candm.h): `tracking` is asked on 127.0.0.1:323 and answered to anybody there. The
 * request is as long as the reply, which is how chronyd sees to it that nobody is flooded through it.
 */
const PORT = 323;
const VERSION = 6;
const [REQUEST, REPLY] = [1, 2];
const [REQ_TRACKING, RPY_TRACKING, STT_SUCCESS] = [33, 5, 0];
const BYTES = 104;
/** Of the request and of the reply. */
const [COMMAND_AT, SEQUENCE_AT] = [4, 8];
const [REPLY_AT, STATUS_AT, REPLY_SEQUENCE_AT] = [6, 8, 16];
/** In the reply: a header of 28 bytes, then reference (24), stratum (2), leap (2), time (12), and nine numbers of 4. */
const LEAP_AT = 54;
const NUMBERS_AT = 68;
const [CORRECTION, ROOT_DELAY, ROOT_DISPERSION] = [0, 6, 7];
/** LEAP_Unsynchronised. */
const UNSYNCHRONIZED = 3;

const ASK_EVERY_MS = 10_000;
/** An answer is believed for so long: three that did not come. */
const HOLDS_MS = 35_000;

/** `Float` of candm.h, seconds: 7 bits of exponent, 25 of coefficient, both signed. */
function numberAt(reply: Buffer, index: number): number {
  const bits = reply.readInt32BE(NUMBERS_AT + 4 * index);
  return ((bits << 7) >> 7) * 2 ** ((bits >> 25) - 25);
}

export function trackingRequest(sequence: number): Buffer {
  const request = Buffer.alloc(BYTES);
  request.writeUInt8(VERSION, 0);
  request.writeUInt8(REQUEST, 1);
  request.writeUInt16BE(REQ_TRACKING, COMMAND_AT);
  request.writeUInt32BE(sequence, SEQUENCE_AT);
  return request;
}

/** The largest error as chronyd tells the kernel: what is still to be corrected, and the distance to the root (RFC 5905, 11.1). */
export function clockFromTracking(reply: Buffer, sequence: number): Clock | undefined {
  const fits =
    reply.length >= BYTES &&
    reply.readUInt8(0) === VERSION &&
    reply.readUInt8(1) === REPLY &&
    reply.readUInt16BE(REPLY_AT) === RPY_TRACKING &&
    reply.readUInt16BE(STATUS_AT) === STT_SUCCESS &&
    reply.readUInt32BE(REPLY_SEQUENCE_AT) === sequence;
  if (!fits) return undefined;
  if (reply.readUInt16BE(LEAP_AT) === UNSYNCHRONIZED) return { synced: false, errorMs: null };
  const seconds =
    Math.abs(numberAt(reply, CORRECTION)) + numberAt(reply, ROOT_DELAY) / 2 + numberAt(reply, ROOT_DISPERSION);
  return { synced: true, errorMs: Math.round(seconds * 1e6) / 1000 };
}

/** Asks chronyd, beside whoever reads: an answer is there at the next reading. */
export class ChronyClock {
  readonly #port: number;
  #socket: Socket | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #sequence = 0;
  #heard: { readonly at: number; readonly clock: Clock } | undefined;

  constructor(port = PORT) {
    this.#port = port;
  }

  /** @returns undefined where no chronyd has answered lately */
  read(now = performance.now()): Clock | undefined {
    if (now - this.#askedAt >= ASK_EVERY_MS) {
      this.#askedAt = now;
      this.#ask();
    }
    return this.#heard !== undefined && now - this.#heard.at < HOLDS_MS ? this.#heard.clock : undefined;
  }

  #ask(): void {
    this.#socket?.close();
    const socket = createSocket('udp4').unref();
    this.#socket = socket;
    this.#sequence = randomBytes(4).readUInt32BE();
    // Connected: others cannot answer, and a port that nobody listens on is an error, which means as much as silence.
    socket.on('error', () => this.#drop(socket));
    socket.on('message', (reply) => {
      const clock = clockFromTracking(reply, this.#sequence);
      if (clock === undefined) return;
      this.#heard = { at: performance.now(), clock };
      this.#drop(socket);
    });
    socket.connect(this.#port, '127.0.0.1', () => socket.send(trackingRequest(this.#sequence)));
  }

  #drop(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    socket.close();
  }
}
