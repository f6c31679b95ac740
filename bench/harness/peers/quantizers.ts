import { join } from 'node:path';
import { compiledModule } from '../../../core/layout.ts';
import { PEERS, type PeerList } from './environment.ts';
import type { PeerNetwork } from './networks.ts';

/** One way to make an int8 model of a float one: Wayside at some settings, or a peer at some. */
export interface Quantizer {
  readonly title: string;
  /** The packages of a peer; Wayside needs none. */
  readonly packages?: PeerList;
  /** Arguments of the program: Node for Wayside, Python for a peer. */
  args(network: PeerNetwork, pictures: string, out: string): readonly string[];
}

const wayside = (title: string, target: string, ...more: readonly string[]): Quantizer => ({
  title,
  args: ({ model, data, normalize, samples, seed }, _, out) => [
    ...[compiledModule('bench/peers/wayside_quantize'), model, data, out],
    ...['--range', 'auto', '--target', target, '--normalize', normalize],
    ...['--calibration', String(samples), '--seed', String(seed), ...more],
  ],
});

const peer = (title: string, packages: PeerList, script: string, ...more: readonly string[]): Quantizer => ({
  title,
  packages,
  args: ({ model }, pictures, out) => [join(PEERS, script), model, pictures, out, ...more],
});

export const CLUSTERS = 16;
/** Wayside at the same bits as its peers: codes up to 127 where its default keeps to 64, for processors without VNNI. */
export const SAME_BITS = 'Wayside, x64-vnni';

/** Wayside first, then the peers. */
export const QUANTIZERS: readonly Quantizer[] = [
  wayside(SAME_BITS, 'x64-vnni'),
  wayside('Wayside', 'any'),
  wayside(`Wayside, ${CLUSTERS} clusters`, 'any', '--clusters', String(CLUSTERS)),
  peer('quantize_static', 'requirements.txt', 'ort_quantize_static.py', '--defaults'),
  peer('quantize_static, U8S8 a channel', 'requirements.txt', 'ort_quantize_static.py'),
  peer('NNCF', 'requirements-nncf.txt', 'nncf_quantize.py'),
  peer('NNCF, folded, mixed, full bias correction', 'requirements-nncf.txt', 'nncf_quantize.py', '--best'),
  peer('Neural Compressor 2.6', 'requirements-inc.txt', 'inc_quantize.py'),
  peer('onnx-neural-compressor', 'requirements-onnx-nc.txt', 'onnx_nc_quantize.py'),
  peer('onnx-neural-compressor, a channel', 'requirements-onnx-nc.txt', 'onnx_nc_quantize.py', '--per-channel'),
];
