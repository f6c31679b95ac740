import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../daemon/config/load.ts';
import type { InferenceOptions } from '../../../daemon/inference/client.ts';
import { ModelChoice } from '../../../daemon/model/choice.ts';
import { readPrivateKey } from '../../../deploy/signature/keys.ts';
import { signPackage } from '../../../deploy/signature/sign.ts';
import { writeCodePackage } from '../../support/code-package.ts';
import { temporaryFolder } from '../../support/folder.ts';

describe('the model of a box that names keys', () => {
  const folder = temporaryFolder();
  const at = (...names: string[]): string => join(folder(), ...names);
  beforeAll(async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    await writeFile(at('maker.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(at('maker.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await writeCodePackage(at('signed'));
    await writeCodePackage(at('unsigned'), { version: '2' });
    await signPackage(at('signed'), await readPrivateKey(at('maker.key')));
  });

  /** The choice over a service that starts nothing and notes what it was told to run. */
  function choice(): { readonly model: ModelChoice; readonly told: string[] } {
    const told: string[] = [];
    const note = ({ package: dir }: InferenceOptions): void => void told.push(dir);
    const service = {
      start: note,
      swap: async (options: InferenceOptions) => {
        note(options);
        return { ready: {} } as never;
      },
    };
    return { model: new ModelChoice(service, pino({ level: 'silent' })), told };
  }
  const configured = async (model: object) => {
    const camera = { id: 'gate', url: 'rtsp://192.0.2.1/' };
    const config = { site: 'depot', box: 'one', mqtt: { url: 'mqtt://192.0.2.2' }, model, cameras: [camera] };
    await writeFile(at('wayside.yaml'), JSON.stringify(config));
    return loadConfig(at('wayside.yaml'));
  };

  it('runs what one of them signed, and is not started with anything else', async () => {
    const { model, told } = choice();
    await model.apply(await configured({ package: 'unsigned', keys: ['maker.pub'] }));
    expect({ told, running: model.running }).toEqual({ told: [], running: undefined });
    expect(model.refused).toMatch(/^SIGNATURE_MISSING/);
    await model.apply(await configured({ package: 'signed', keys: ['gone.pub'] }));
    expect({ told, refused: model.refused }).toEqual({ told: [], refused: expect.stringMatching(/^FILE_NOT_FOUND/) });
    await model.apply(await configured({ package: 'signed', keys: ['maker.pub'] }));
    expect({ told, refused: model.refused }).toEqual({ told: [at('signed')], refused: undefined });
  });

  it('goes on with the one before where the next is not signed', async () => {
    const { model, told } = choice();
    await model.apply(await configured({ package: 'signed', keys: ['maker.pub'] }));
    await model.apply(await configured({ package: 'unsigned', keys: ['maker.pub'] }));
    expect(told).toEqual([at('signed')]);
    expect(model.refused).toMatch(/^SIGNATURE_MISSING/);
    await model.apply(await configured({ package: 'unsigned' }));
    expect(told).toEqual([at('signed'), at('unsigned')]);
  });
});
