import { WaysideError } from '../../core/errors.ts';
import { type AccessUnit, accessUnit } from './nal.ts';

const FILE_HEADER = 9;
const TAG_HEADER = 11;
const BACK_POINTER = 4;
const VIDEO_TAG = 9;
const AVC = 7;

/**
 * Reads H.264 access units from an FLV stream (Adobe FLV specification 10.1, annex E).
 *
 * FLV because its tags state their length: a picture can be sent the moment it is encoded. An Annex B stream shows the end of
 * a picture only with the beginning of the next (+40 ms at 25 fps), and fragmented MP4 is written one frame late too.
 */
export class FlvReader {
  readonly #deliver: (unit: AccessUnit) => void;
  #rest: Buffer = Buffer.alloc(0);
  #headerSeen = false;
  #parameters: Uint8Array[] = [];

  constructor(deliver: (unit: AccessUnit) => void) {
    this.#deliver = deliver;
  }

  /** @throws {WaysideError} VIDEO_SOURCE_FAILED when the bytes are not FLV with H.264 */
  push(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#headerSeen && bytes.length >= FILE_HEADER + BACK_POINTER) {
      if (bytes.toString('latin1', 0, 3) !== 'FLV') throw notFlv('it does not begin with FLV');
      bytes = bytes.subarray(bytes.readUInt32BE(5) + BACK_POINTER);
      this.#headerSeen = true;
    }
    while (this.#headerSeen && bytes.length >= TAG_HEADER) {
      const size = bytes.readUIntBE(1, 3);
      if (bytes.length < TAG_HEADER + size) break;
      if (bytes[0] === VIDEO_TAG && size > 5) this.#video(bytes.subarray(TAG_HEADER, TAG_HEADER + size));
      bytes = bytes.subarray(Math.min(TAG_HEADER + size + BACK_POINTER, bytes.length));
    }
    this.#rest = bytes;
  }

  #video(body: Buffer): void {
    if ((body[0]! & 0x0f) !== AVC) throw notFlv(`codec ${body[0]! & 0x0f} instead of ${AVC}`);
    if (body[1] === 0) this.#parameters = parametersOf(body.subarray(5));
    if (body[1] !== 1) return;
    const unit = accessUnit('h264', lengthPrefixed(body.subarray(5)));
    this.#deliver(unit.key ? { ...unit, nals: [...this.#parameters, ...unit.nals] } : unit);
  }
}

function lengthPrefixed(bytes: Buffer): Uint8Array[] {
  const nals: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    nals.push(bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return nals;
}

/** SPS and PPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1). */
function parametersOf(record: Buffer): Uint8Array[] {
  const sets: Uint8Array[] = [];
  let at = 5;
  for (const mask of [0x1f, 0xff]) {
    const count = record.readUInt8(at++) & mask;
    for (let i = 0; i < count; i++) {
      const size = record.readUInt16BE(at);
      sets.push(record.subarray(at + 2, at + 2 + size));
      at += 2 + size;
    }
  }
  return sets;
}

function notFlv(found: string): WaysideError {
  return new WaysideError('VIDEO_SOURCE_FAILED', { message: `the encoder did not write FLV with H.264: ${found}` });
}
