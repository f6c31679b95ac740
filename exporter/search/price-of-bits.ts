import { bitsPerCode } from '../../compression/clustering/priced-codes.ts';
import type { LayerWeights } from '../quantize/layer-weights.ts';

/** The search ends within this share below what was asked for. */
const CLOSE = 0.01;
/** The third or fourth is close as a rule. */
const MOST_LOOKS = 16;
/**
 * The price to begin with, where the bits are so many: with n layers of N weights together, the sum of their noise, as shares of their
 * signal, is N lambda / (2 ln 2) at the optimum, and some 4^-bits a layer. A few dozen layers of some 10^5 weights.
 */
const startFor = (bits: number): number => 2 * Math.LN2 * 1e-5 * 4 ** -bits;

/** Bits of a code, the mean over all weights: what a coder spends that knows how often each code occurs in its layer. */
export function meanBits(layers: Iterable<Pick<LayerWeights, 'codes'>>): number {
  let [bits, weights] = [0, 0];
  for (const { codes } of layers) {
    bits += codes.length * bitsPerCode(codes);
    weights += codes.length;
  }
  return weights === 0 ? 0 : bits / weights;
}

/**
 * The price of a bit at which the codes of all layers take no more than so many bits a weight: one for all, so that every bit is spent where
 * it takes most from the error: the sum over the layers of noise as a share of signal. Layers weighed by the divergence that their noise
 * alone made on 192 training images, and by its square root, gained nothing: VGG16 of the benchmarks at 2.28 bits, divergence on 1,000
 * validation images 4.2e-2 and 3.5e-2, without it 3.6e-2.
 *
 * @param bits asked for; undefined: bits are free
 * @param bitsAt mean bits of all layers at a price
 * @returns 0 where the codes take no more without a price
 */
export async function priceOfBits(
  bits: number | undefined,
  bitsAt: (lambda: number) => Promise<number>,
): Promise<number> {
  if (bits === undefined) return 0;
  if ((await bitsAt(0)) <= bits) return 0;
  let above: Look | undefined;
  let below: Look | undefined;
  let at = Math.log2(startFor(bits));
  for (let look = 0; look < MOST_LOOKS; look++) {
    const found = await bitsAt(2 ** at);
    if (found > bits) above = { at, bits: found };
    else below = { at, bits: found };
    if (found <= bits && found >= bits * (1 - CLOSE)) break;
    at = above && below ? between(above, below, bits * (1 - CLOSE / 2), look) : beyond({ at, bits: found }, bits, look);
  }
  // Everything is zero at some price: only a search that ended early has none.
  return 2 ** (below?.at ?? at);
}

/** log2 of a price, and the bits there. */
interface Look {
  readonly at: number;
  readonly bits: number;
}

/** Bits fall by half a bit where the price doubles, as at high resolution; less where few are left: steps grow with the looks. */
const beyond = ({ at, bits }: Look, goal: number, look: number): number =>
  at + Math.sign(bits - goal) * Math.max(0.5, Math.abs(bits - goal) * 2) * (1 + look / 4);

/** By a straight line in the logarithm of the bits, never near an end; every third time the middle, where the line is a poor guide. */
function between(above: Look, below: Look, goal: number, look: number): number {
  const line = Math.log(above.bits / goal) / Math.log(above.bits / below.bits);
  const share = look % 3 === 2 || !Number.isFinite(line) ? 0.5 : Math.min(0.9, Math.max(0.1, line));
  return above.at + share * (below.at - above.at);
}
