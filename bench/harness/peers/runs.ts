import { join } from 'node:path';
import { type ChildRun, runChild } from '../process/child.ts';
import { runInTurns, type Turn } from '../turns.ts';
import type { Workplace } from '../workplace.ts';
import { type PeerList, type PeerPython, peerPython } from './environment.ts';
import { handImages, type PeerNetwork } from './networks.ts';
import { QUANTIZERS, type Quantizer } from './quantizers.ts';

const ROUNDS = 3;

/** The Python of every list of packages, or why there is none. */
export type Pythons = ReadonlyMap<PeerList, PeerPython>;

/** A quantizer that made its model, with what that took. */
export interface Made {
  readonly quantizer: Quantizer;
  /** The int8 ONNX file. */
  readonly out: string;
  readonly runs: readonly ChildRun[];
}

export async function peerPythons(place: Workplace): Promise<Pythons> {
  const found = new Map<PeerList, PeerPython>();
  for (const { packages } of QUANTIZERS) {
    if (packages !== undefined && !found.has(packages)) found.set(packages, await peerPython(place, packages));
  }
  return found;
}

/** The program that runs a quantizer. @throws {Error} that says why there is none */
function programOf({ packages }: Quantizer, pythons: Pythons): string {
  if (packages === undefined) return process.execPath;
  const found = pythons.get(packages) ?? { missing: `${packages} was not installed` };
  if ('missing' in found) throw new Error(found.missing);
  return found.python;
}

/**
 * Runs every quantizer on one network, in turns. One that cannot run or fails is left out, with a note.
 *
 * @param note takes a sentence for who reads the figures
 */
export async function quantizeByAll(
  network: PeerNetwork,
  pythons: Pythons,
  note: (text: string) => void,
  place: Workplace,
): Promise<Made[]> {
  const pictures = await handImages(network, place);
  const outOf = (index: number): string => join(place.scratch, `${network.name}-${index}.onnx`);
  const turns = QUANTIZERS.map(
    (quantizer, index): Turn => ({
      subject: `${network.name}, ${quantizer.title}`,
      run: async () => runChild(programOf(quantizer, pythons), quantizer.args(network, pictures, outOf(index)), place),
    }),
  );
  const runs = await runInTurns(turns, ROUNDS, note, place);
  return QUANTIZERS.flatMap((quantizer, index) => {
    const own = runs[index];
    return own === undefined ? [] : [{ quantizer, out: outOf(index), runs: own }];
  });
}
