import type { Random } from '../../../core/random.ts';
import { proto } from '../../../onnx/file/proto.ts';

interface Place {
  readonly holder: Record<string | number, unknown>;
  readonly key: string | number;
}

const NUMBERS = [-1, 0, 1, 2, 3, 7, 16, 64, 255, 1e6, 2 ** 31 - 1, 2 ** 31, 2 ** 40, 2 ** 53, -(2 ** 31)];

/** Every field and list entry below a message, but not the bytes of tensors. */
function placesIn(value: unknown, places: Place[] = []): Place[] {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array || 'low' in value) return places;
  const holder = value as Record<string | number, unknown>;
  for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
    places.push({ holder, key });
    placesIn(holder[key], places);
  }
  return places;
}

function changed(value: unknown, names: readonly string[], random: Random): unknown {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)]!;
  if (typeof value === 'string') return pick(names);
  if (typeof value === 'number') return pick(NUMBERS);
  if (value instanceof Uint8Array) return value.subarray(0, random.below(value.length + 1));
  if (Array.isArray(value)) {
    const at = random.below(value.length + 1);
    const kind = random.below(4);
    if (kind === 0) return [];
    if (kind === 1) return value.filter((_, i) => i !== at);
    return kind === 2 ? [...value, ...value.slice(at, at + 1)] : value.toReversed();
  }
  return value !== null && typeof value === 'object' && 'low' in value ? pick(NUMBERS) : undefined;
}

/**
 * A model that is well formed on the wire and wrong in what it says: names exchanged, sizes and types changed, entries
 * dropped, doubled or reversed. Such get past the decoder, to the checker and the shape rules.
 */
export function mutateStructure(bytes: Uint8Array, random: Random, changes = 1): Uint8Array {
  const model = proto.ModelProto.decode(bytes);
  const places = placesIn(model);
  const names = places.flatMap(({ holder, key }) => (typeof holder[key] === 'string' ? [holder[key]] : []));
  for (let i = 0; i < changes; i++) {
    const { holder, key } = places[random.below(places.length)]!;
    const value = changed(holder[key], names, random);
    if (value !== undefined) holder[key] = value;
  }
  return proto.ModelProto.encode(model).finish();
}
