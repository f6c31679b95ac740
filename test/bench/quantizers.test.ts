import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PEERS } from '../../bench/harness/peers/environment.ts';
import type { PeerNetwork } from '../../bench/harness/peers/networks.ts';
import { QUANTIZERS, SAME_BITS } from '../../bench/harness/peers/quantizers.ts';
import { defaultPreprocessing } from '../../inference/default-preprocessing.ts';

const network: PeerNetwork = {
  name: 'net',
  model: '/net.onnx',
  data: 'cifar10:/data',
  normalize: 'imagenet',
  preprocessing: defaultPreprocessing(['N', 3, 32, 32], {}),
  samples: 77,
  seed: 5,
};
const optionOf = (args: readonly string[], name: string): string | undefined => args[args.indexOf(name) + 1];

describe('the quantizers side by side', () => {
  it('have names of their own, by which the table tells them apart', () => {
    expect(new Set(QUANTIZERS.map(({ title }) => title)).size).toBe(QUANTIZERS.length);
    expect(QUANTIZERS.map(({ title }) => title)).toContain(SAME_BITS);
  });

  it.each(QUANTIZERS)('$title works on the images that all work on', ({ packages, args }) => {
    const given = args(network, '/images.npy', '/out.onnx');
    expect(given).toEqual(expect.arrayContaining([network.model, '/out.onnx']));
    if (packages === undefined) {
      expect(optionOf(given, '--calibration')).toBe('77');
      expect(optionOf(given, '--seed')).toBe('5');
    } else {
      expect(given).toContain('/images.npy');
      expect(existsSync(given[0] ?? '')).toBe(true);
    }
  });

  it('come from packages of one version each', async () => {
    for (const packages of new Set(QUANTIZERS.map((each) => each.packages ?? 'requirements.txt'))) {
      const lines = (await readFile(join(PEERS, packages), 'utf8')).trim().split('\n');
      expect(
        lines.filter((line) => !/^[\w-]+==[\d.]+$/.test(line)),
        packages,
      ).toEqual([]);
    }
  });
});
