import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelSchema } from '../../../daemon/config/schema.ts';
import { type Offered, offerBadModel, writeBadModel } from '../../../daemon/drill/bad-model.ts';
import { loadModel } from '../../../daemon/inference/load-model.ts';
import { compareVersions } from '../../../deploy/version.ts';
import { readPackage } from '../../../inference/read-package.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { ownSystemTemporary, temporaryFolder } from '../../support/folder.ts';

describe('a model with wrong golden samples, made of the one that runs', () => {
  const folder = temporaryFolder();
  const running = (): string => join(folder(), 'package');
  const offered = (keys?: string[]): Promise<Offered> => {
    const model = modelSchema.parse({ package: running(), threads: 1, ...(keys === undefined ? {} : { keys }) });
    const settings = { config: { model }, folder: folder() };
    return offerBadModel({ running: running(), settings }, new AbortController().signal);
  };
  const left = ownSystemTemporary();
  beforeAll(() => writeColourPackage(running()));

  it('is refused on this processor, and leaves nothing behind', async () => {
    expect(await offered()).toEqual({ outcome: 'refused', words: 'GOLDEN_MISMATCH' });
    expect(await left()).toEqual([]);
  });

  it('is refused for its signature where keys are named, before a runtime gets it', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(folder(), 'key.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    expect(await offered(['key.pem'])).toEqual({ outcome: 'refused', words: 'SIGNATURE_MISSING, GOLDEN_MISMATCH' });
  });

  it('can be written for the office to sign: a whole package of an older version, which no box may run', async () => {
    const out = join(folder(), 'bad');
    expect(await writeBadModel(running(), out)).toEqual({ name: 'colours', version: '1-drill' });
    expect((await readPackage(out)).manifest).toMatchObject({ name: 'colours', version: '1-drill' });
    expect(compareVersions('1-drill', '1')).toBe(-1);
    const choice = { threads: 1, provider: 'cpu' } as const;
    await expect(loadModel(out, choice)).rejects.toMatchObject({ code: 'GOLDEN_MISMATCH' });
    await expect(writeBadModel(running(), out)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });

  it('is not offered where nothing runs', async () => {
    const settings = { config: { model: modelSchema.parse({ package: running() }) }, folder: folder() };
    const signal = new AbortController().signal;
    expect(await offerBadModel({ running: undefined, settings }, signal)).toMatchObject({ outcome: 'skipped' });
  });
});
