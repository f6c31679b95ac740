/** Bytes that were there before: where they lie in the whole, and what they are. */
export interface KnownPiece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** New bytes of the rest, and what is taken from the parent: `[new bytes, position in the parent, copied bytes]`. */
interface Copied {
  readonly copies: [number, number, number][];
  readonly fresh: Uint8Array;
}

/** An entry of the header takes some 6 bytes: shorter copies would cost more than they save. */
const BLOCK = 16;
const STEP = 8;
/** What is searched: beyond it nothing is copied. The rest of a classifier is below 1 MB; an index takes 20 times its bytes. */
const MOST_SEARCHED = 2 ** 24;

const keyAt = (bytes: Uint8Array, at: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + at, BLOCK).toString('latin1');

function indexOf(pieces: readonly KnownPiece[]): Map<string, { piece: KnownPiece; at: number }> {
  const index = new Map<string, { piece: KnownPiece; at: number }>();
  let searched = 0;
  for (const piece of pieces) {
    for (let at = 0; at + BLOCK <= piece.bytes.length && searched < MOST_SEARCHED; at += STEP, searched += STEP) {
      const key = keyAt(piece.bytes, at);
      if (!index.has(key)) index.set(key, { piece, at });
    }
  }
  return index;
}

/** What of `bytes` is in the parent already: greedy, every run of 24 bytes and more is found. */
export function findCopies(bytes: Uint8Array, parent: readonly KnownPiece[]): Copied {
  const index = indexOf(parent);
  const copies: [number, number, number][] = [];
  const fresh: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at + BLOCK <= Math.min(bytes.length, MOST_SEARCHED); ) {
    const found = index.get(keyAt(bytes, at));
    if (found === undefined) {
      at++;
      continue;
    }
    const known = found.piece.bytes;
    let [start, knownStart] = [at, found.at];
    while (start > from && knownStart > 0 && bytes[start - 1] === known[knownStart - 1])
      [start, knownStart] = [start - 1, knownStart - 1];
    let end = at + BLOCK;
    while (
      end < bytes.length &&
      knownStart + end - start < known.length &&
      bytes[end] === known[knownStart + end - start]
    )
      end++;
    copies.push([start - from, found.piece.at + knownStart, end - start]);
    fresh.push(bytes.subarray(from, start));
    from = end;
    at = end;
  }
  fresh.push(bytes.subarray(from));
  return { copies, fresh: Buffer.concat(fresh) };
}
