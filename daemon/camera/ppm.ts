import { WaysideError } from '../../core/errors.ts';

/** Twice 8K each way; a decoder that claims more is broken or hostile. */
const LARGEST_SIDE = 16_384;
const LARGEST_FRAME_BYTES = 128 << 20;
/** `P6`, two numbers of five digits, 255 and white space need 20; the rest is patience with padding. */
const LONGEST_HEADER = 64;

/** An image as the parser found it. */
export interface PpmFrame {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`; in the memory that `allocate` gave. */
  readonly data: Uint8Array;
  /** The `at` of the chunk that held the first byte. */
  readonly firstByteAt: number;
}

interface Header {
  readonly text: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

interface PpmParserOptions {
  /** Memory for one image of exactly so many bytes. */
  readonly allocate: (bytes: number) => Uint8Array;
  readonly onFrame: (frame: PpmFrame) => void;
}

/**
 * Takes binary PPM images (netpbm P6, maxval 255, no comments) that follow each other without a gap, from chunks cut anywhere.
 * Each byte of an image is copied once, from the chunk into its place.
 */
export class PpmParser {
  readonly #allocate: PpmParserOptions['allocate'];
  readonly #onFrame: PpmParserOptions['onFrame'];
  #header = '';
  #firstByteAt = 0;
  #image: { width: number; height: number; data: Uint8Array; filled: number } | undefined;
  /** The last header that was whole: with every image comes the same one again. */
  #last: Header | undefined;

  constructor({ allocate, onFrame }: PpmParserOptions) {
    this.#allocate = allocate;
    this.#onFrame = onFrame;
  }

  /**
   * @param at when the chunk arrived, by any clock
   * @throws {WaysideError} DECODER_UNAVAILABLE when the bytes are not PPM or exceed the limits; the parser is of no more use then
   */
  push(chunk: Uint8Array, at: number): void {
    for (let offset = 0; offset < chunk.length; ) {
      if (this.#header === '' && this.#image === undefined) this.#firstByteAt = at;
      offset =
        this.#image === undefined ? this.#readHeader(chunk, offset) : this.#readPixels(this.#image, chunk, offset);
    }
  }

  #readHeader(chunk: Uint8Array, offset: number): number {
    if (this.#header === '' && this.#last !== undefined && startsWith(chunk, offset, this.#last.text)) {
      this.#begin(this.#last);
      return offset + this.#last.text.length;
    }
    const known = this.#header.length;
    const text =
      this.#header +
      Buffer.from(
        chunk.buffer,
        chunk.byteOffset + offset,
        Math.min(LONGEST_HEADER - known, chunk.length - offset),
      ).toString('latin1');
    const found = /^P6\s+(\d{1,5})\s+(\d{1,5})\s+255\s/.exec(text);
    if (found === null) {
      if (text.length >= LONGEST_HEADER || !'P6'.startsWith(text.slice(0, 2))) throw notPpm(text);
      this.#header = text;
      return chunk.length;
    }
    const [width, height] = [Number(found[1]), Number(found[2])];
    const bytes = width * height * 3;
    if (bytes === 0 || width > LARGEST_SIDE || height > LARGEST_SIDE || bytes > LARGEST_FRAME_BYTES) {
      throw notPpm(`an image of ${width}x${height}`);
    }
    this.#header = '';
    this.#last = { text: Buffer.from(found[0], 'latin1'), width, height, bytes };
    this.#begin(this.#last);
    return offset + found[0].length - known;
  }

  #begin({ width, height, bytes }: Header): void {
    this.#image = { width, height, data: this.#allocate(bytes), filled: 0 };
  }

  #readPixels(
    image: { width: number; height: number; data: Uint8Array; filled: number },
    chunk: Uint8Array,
    offset: number,
  ): number {
    const taken = Math.min(chunk.length - offset, image.data.length - image.filled);
    image.data.set(chunk.subarray(offset, offset + taken), image.filled);
    image.filled += taken;
    if (image.filled === image.data.length) {
      const { width, height, data } = image;
      this.#image = undefined;
      this.#onFrame({ width, height, data, firstByteAt: this.#firstByteAt });
    }
    return offset + taken;
  }
}

function startsWith(chunk: Uint8Array, offset: number, text: Uint8Array): boolean {
  if (chunk.length - offset < text.length) return false;
  for (let i = 0; i < text.length; i++) if (chunk[offset + i] !== text[i]) return false;
  return true;
}

function notPpm(found: string): WaysideError {
  return new WaysideError('DECODER_UNAVAILABLE', {
    message: `the decoder writes no PPM images: found ${JSON.stringify(found.slice(0, 24))}`,
    hint: 'it must write binary PPM (P6, maxval 255) to its standard output, and nothing else',
  });
}
