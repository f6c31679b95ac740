import { type AccessUnit, accessUnit, type Codec, nalKind, opensPicture } from './nal.ts';

/**
 * Cuts a byte stream (ITU-T H.264 and H.265, annex B) into access units, chunk by chunk.
 *
 * A unit is known to be complete only when the next one begins: right for files, one frame late for live pictures.
 */
export class AnnexBReader {
  readonly #codec: Codec;
  readonly #deliver: (unit: AccessUnit) => void;
  #rest: Uint8Array = new Uint8Array(0);
  #scanned = 0;
  #begun = false;
  #nals: Uint8Array[] = [];
  #hasPicture = false;

  constructor(codec: Codec, deliver: (unit: AccessUnit) => void) {
    this.#codec = codec;
    this.#deliver = deliver;
  }

  push(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    let at = this.#scanned;
    for (;;) {
      const code = indexOfStartCode(bytes, at);
      if (code < 0) break;
      if (this.#begun) this.#nal(trimZeros(bytes.subarray(start, code)));
      this.#begun = true;
      start = code + 3;
      at = start;
    }
    this.#rest = bytes.subarray(start);
    this.#scanned = Math.max(0, this.#rest.length - 2); // a start code may straddle two chunks
  }

  /** The stream is over: what is held is complete. */
  end(): void {
    if (this.#begun) this.#nal(trimZeros(this.#rest));
    this.#begun = false;
    this.#rest = new Uint8Array(0);
    this.#scanned = 0;
    this.#flush();
  }

  #nal(nal: Uint8Array): void {
    if (nal.length === 0) return;
    const kind = nalKind(this.#codec, nal);
    const picture = kind === 'key' || kind === 'picture';
    // What is not a slice and follows one belongs to the next picture, save for suffix SEI, which nobody here needs.
    if (this.#hasPicture && (!picture || opensPicture(this.#codec, nal))) this.#flush();
    this.#hasPicture ||= picture;
    this.#nals.push(nal);
  }

  #flush(): void {
    if (this.#hasPicture) this.#deliver(accessUnit(this.#codec, this.#nals));
    this.#nals = [];
    this.#hasPicture = false;
  }
}

function indexOfStartCode(bytes: Uint8Array, from: number): number {
  for (let one = bytes.indexOf(1, from + 2); one >= 0; one = bytes.indexOf(1, one + 1)) {
    if (bytes[one - 1] === 0 && bytes[one - 2] === 0) return one - 2;
  }
  return -1;
}

/** A NAL unit never ends in a zero byte; such zeros are padding or the first byte of a four-byte start code. */
function trimZeros(nal: Uint8Array): Uint8Array {
  let end = nal.length;
  while (end > 0 && nal[end - 1] === 0) end--;
  return nal.subarray(0, end);
}
