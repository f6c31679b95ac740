import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { type ChildRun, runChild } from './child.ts';
import { type PeerList, type PeerPython, peerPython } from './peer-environment.ts';
import { handPictures, type PeerNetwork } from './peer-networks.ts';
import { QUANTIZERS, type Quantizer } from './quantizers.ts';
import type { Workplace } from './workplace.ts';

/** All of them in turns: what else the machine does hits them alike. */
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

/** The program that runs a quantizer, or why it cannot. */
function programOf({ packages }: Quantizer, pythons: Pythons): PeerPython {
  if (packages === undefined) return { python: process.execPath };
  return pythons.get(packages) ?? { missing: `${packages} was not installed` };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/**
 * Runs every quantizer on one network, in turns. One that cannot run or fails is left out, and its last words are noted.
 *
 * @param note takes a sentence for who reads the figures
 */
export async function quantizeByAll(
  network: PeerNetwork,
  pythons: Pythons,
  note: (text: string) => void,
  place: Workplace,
): Promise<Made[]> {
  const pictures = await handPictures(network, place);
  const outOf = (index: number): string => join(place.scratch, `${network.name}-${index}.onnx`);
  const failed = new Set<Quantizer>();
  const runs: ChildRun[][] = QUANTIZERS.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, quantizer] of QUANTIZERS.entries()) {
      if (failed.has(quantizer)) continue;
      const subject = `${network.name}, ${quantizer.title}`;
      place.say(`${subject}: round ${round + 1} of ${ROUNDS}`);
      try {
        const program = programOf(quantizer, pythons);
        if ('missing' in program) throw new Error(program.missing);
        runs[index]?.push(await runChild(program.python, quantizer.args(network, pictures, outOf(index)), place));
      } catch (cause) {
        place.signal.throwIfAborted();
        failed.add(quantizer);
        note(`${subject}: no model: ${lastLine(messageOf(cause))}`);
      }
    }
  }
  return QUANTIZERS.flatMap((quantizer, index) =>
    failed.has(quantizer) ? [] : [{ quantizer, out: outOf(index), runs: runs[index] ?? [] }],
  );
}
