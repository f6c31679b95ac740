import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../core/errors.ts';
import { writeFileAtomic } from '../../../core/files.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { runChild } from '../process/child.ts';
import { findProgram, type Workplace } from '../workplace.ts';

/** Folder of the peers' scripts and of the list of their packages. */
export const PEERS = join(PACKAGE_ROOT, 'bench', 'peers');

/** Lists of packages in `bench/peers/`: peers whose packages exclude each other have one each. */
export type PeerList =
  | 'requirements.txt'
  | 'requirements-nncf.txt'
  | 'requirements-inc.txt'
  | 'requirements-onnx-nc.txt'
  | 'requirements-torch.txt'
  | 'requirements-exporters.txt'
  | 'requirements-live.txt'
  | 'requirements-tracking.txt';

/** A Python with the peers' packages, or why there is none here. */
export type PeerPython = { readonly python: string } | { readonly missing: string };

/**
 * Makes a virtual environment in `.cache/peers` from a list of packages in `bench/peers/`, once: it is used as it stands
 * while the list is the one it was made from.
 */
export async function peerPython({ signal, say }: Workplace, list: PeerList = 'requirements.txt'): Promise<PeerPython> {
  const cache = join(PACKAGE_ROOT, '.cache', 'peers');
  const folder = join(cache, list.replace('requirements', 'venv').replace('.txt', ''));
  const python = join(folder, 'bin', 'python');
  const requirements = join(PEERS, list);
  const wanted = await readFile(requirements, 'utf8');
  const madeFrom = join(folder, 'made-from.txt');
  if (existsSync(python) && (await readFile(madeFrom, 'utf8').catch(() => '')) === wanted) return { python };

  const system = await findProgram('python3');
  if (system === undefined) return { missing: 'python3 is not installed' };
  say(`installing the packages of bench/peers/${list} (once)`);
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(cache, { recursive: true });
    await runChild(system, ['-m', 'venv', folder], { signal });
    await runChild(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], { signal });
    await writeFileAtomic(madeFrom, wanted);
    return { python };
  } catch (cause) {
    signal.throwIfAborted();
    return { missing: `the packages of the peers could not be installed: ${messageOf(cause)}` };
  }
}
