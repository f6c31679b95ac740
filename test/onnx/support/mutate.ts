import type { Random } from '../../../core/random.ts';

type Place = (bytes: Uint8Array, random: Random) => number;
type Mutation = (bytes: Uint8Array, random: Random, place: Place) => Uint8Array;

/** Ten bytes at most, seven bits each, low ones first. */
export function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    if (rest < 128n) return Uint8Array.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

const splice = (bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array =>
  Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);

const EXTREMES = [0n, 1n, 127n, 128n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n - 1n, -1n];

const randomBytes = (count: number, random: Random): Uint8Array =>
  Uint8Array.from({ length: count }, () => random.below(256));

/** Structure lies mostly at the ends of a model file, weights in the middle: aim at either, one time in `share` at the middle. */
const placeOf =
  (share: number): Place =>
  (bytes, random) => {
    const near = Math.min(bytes.length, 4096);
    const kind = random.below(2 * share);
    if (kind >= 2 * share - 2) return random.below(bytes.length);
    return kind % 2 === 0 ? random.below(near) : bytes.length - 1 - random.below(near);
  };

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  truncate: (bytes, random, place) => bytes.subarray(0, place(bytes, random)),
  'cut from the front': (bytes, random) => bytes.subarray(random.below(Math.min(bytes.length, 64))),
  'flip a bit': (bytes, random, place) => {
    const copy = Uint8Array.from(bytes);
    copy[place(bytes, random)]! ^= 1 << random.below(8);
    return copy;
  },
  'flip many bits': (bytes, random, place) => {
    const copy = Uint8Array.from(bytes);
    for (let i = 0; i < 20; i++) copy[place(bytes, random)]! ^= 1 << random.below(8);
    return copy;
  },
  'set a byte': (bytes, random, place) => {
    const copy = Uint8Array.from(bytes);
    copy[place(bytes, random)] = random.below(256);
    return copy;
  },
  'splice a number in': (bytes, random, place) => {
    const number = varint(EXTREMES[random.below(EXTREMES.length)]!);
    return splice(bytes, place(bytes, random), random.below(3), number);
  },
  'splice noise in': (bytes, random, place) =>
    splice(bytes, place(bytes, random), 0, randomBytes(1 + random.below(16), random)),
  'remove bytes': (bytes, random, place) => splice(bytes, place(bytes, random), 1 + random.below(32), new Uint8Array()),
  'repeat a piece': (bytes, random, place) => {
    const from = place(bytes, random);
    return splice(bytes, place(bytes, random), 0, bytes.subarray(from, from + random.below(2048)));
  },
  'noise alone': (_, random) => randomBytes(random.below(512), random),
};

export const MUTATION_NAMES: readonly string[] = Object.keys(MUTATIONS);

/**
 * One broken variant of the bytes, and how it was broken.
 *
 * @param share one of how many places is anywhere: where nearly all bytes are weights, most of those say nothing new
 */
export function mutate(
  bytes: Uint8Array,
  random: Random,
  share = 2,
): { readonly name: string; readonly bytes: Uint8Array } {
  const name = MUTATION_NAMES[random.below(MUTATION_NAMES.length)]!;
  return { name, bytes: MUTATIONS[name]!(bytes, random, placeOf(share)) };
}
