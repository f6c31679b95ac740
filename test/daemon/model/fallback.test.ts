import { cp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LoadedConfig } from '../../../daemon/config/load.ts';
import { parseConfig } from '../../../daemon/config/load.ts';
import type { InferenceEnd, InferenceOptions } from '../../../daemon/inference/client.ts';
import { ModelChoice } from '../../../daemon/model/choice.ts';
import { slotAt } from '../../../daemon/model/places.ts';
import { BoxStore } from '../../support/box-store.ts';
import { writeCodePackage } from '../../support/code-package.ts';
import { temporaryFolder } from '../../support/folder.ts';

const ended = (code: string): InferenceEnd => ({ code, message: 'it ended', expected: false });

/** Notes which folders processes were to be started with; those named in `cannot` end while they load. */
class NotedService {
  readonly told: string[] = [];
  readonly cannot = new Set<string>();
  start({ package: dir }: InferenceOptions): void {
    this.told.push(dir);
  }
  async swap({ package: dir }: InferenceOptions) {
    this.told.push(dir);
    return this.cannot.has(dir) ? { end: ended('GOLDEN_MISMATCH') } : ({ ready: {} } as never);
  }
}

describe('what a box falls back to', () => {
  const folder = temporaryFolder();
  let store: BoxStore;
  let service: NotedService;
  let choice: ModelChoice;
  const placeOf = (place: 'A' | 'B' | 'factory'): string => store.store.layout.package(place);
  const version =
    (name: string) =>
    (dir: string): ReturnType<typeof writeCodePackage> =>
      writeCodePackage(dir, { version: name });

  function configured(model: object): LoadedConfig {
    const text = JSON.stringify({
      ...{ site: 's', box: 'b', mqtt: { url: 'mqtt://192.0.2.2' }, model },
      cameras: [{ id: 'a', url: 'rtsp://192.0.2.1/' }],
    });
    const none = { ca: undefined, cert: undefined, key: undefined };
    const secrets = { mqtt: undefined, cameras: new Map(), cameraAuthorities: new Map(), tls: none };
    return { config: parseConfig(text, 'f'), secrets, folder: folder(), digest: 'sha256:0' };
  }
  const byStore = (): LoadedConfig => configured({ store: 'store', name: 'codes' });

  beforeEach(async () => {
    await rm(folder(), { recursive: true, force: true });
    store = await BoxStore.create(join(folder(), 'store'), 'codes', version('0'));
    for (const each of ['1', '2']) {
      const { slot } = await store.install(version(each));
      await store.store.promote(slot);
    }
    service = new NotedService();
    choice = new ModelChoice(service, pino({ level: 'silent' }));
  });

  it('is nothing while the slot that the store points to is whole', async () => {
    await choice.apply(byStore());
    expect(service.told).toEqual([placeOf('B')]);
    expect([choice.refused, choice.fallback]).toEqual([undefined, undefined]);
  });

  it.each([
    { damaged: ['B'], runs: 'A' },
    { damaged: ['A', 'B'], runs: 'factory' },
  ] as const)('is $runs where $damaged is damaged at the start, and it is said why', async ({ damaged, runs }) => {
    for (const slot of damaged) await store.damage(placeOf(slot));
    await choice.apply(byStore());
    expect(service.told).toEqual([placeOf(runs)]);
    expect(choice.refused).toBeUndefined();
    for (const slot of damaged) expect(choice.fallback).toContain(`${placeOf(slot)}: model.onnx`);
    expect(choice.fallback).toMatch(/^PACKAGE_INVALID: .* runs: /);
  });

  it('is left once what was damaged is whole again', async () => {
    await cp(placeOf('B'), join(folder(), 'whole'), { recursive: true });
    await store.damage(placeOf('B'));
    await choice.apply(byStore());
    choice.loaded();
    expect(choice.isTimeToLook(performance.now())).toBe(false);
    expect(choice.isTimeToLook(performance.now() + 60_000)).toBe(true);
    await rm(placeOf('B'), { recursive: true });
    await cp(join(folder(), 'whole'), placeOf('B'), { recursive: true });
    await choice.look(byStore());
    expect(service.told).toEqual([placeOf('A'), placeOf('B')]);
    expect(choice.fallback).toBeUndefined();
    expect(choice.isTimeToLook(Number.MAX_VALUE)).toBe(false);
  });

  it('is not taken while the process works that loaded the package before it was damaged', async () => {
    await choice.apply(byStore());
    choice.loaded();
    await store.damage(placeOf('B'));
    await choice.apply(byStore());
    expect(service.told).toEqual([placeOf('B')]);
    expect(choice.fallback).toMatch(/PACKAGE_INVALID.*slot B runs/);
  });

  it('is taken when that process is gone and the next one cannot load it', async () => {
    await choice.apply(byStore());
    choice.loaded();
    await store.damage(placeOf('B'));
    expect(choice.ended(ended('INFERENCE_LOST'), 1)).toBe(false);
    expect(choice.ended(ended('PACKAGE_INVALID'), 2)).toBe(true);
    await choice.look(byStore());
    expect(service.told).toEqual([placeOf('B'), placeOf('A')]);
    expect(choice.fallback).toMatch(/PACKAGE_INVALID.*slot A runs/);
  });

  it('is taken when a whole package cannot be loaded: at its own word, or at the third end without one', async () => {
    await choice.apply(byStore());
    expect([1, 2, 3].map((failures) => choice.ended(ended('INFERENCE_LOST'), failures))).toEqual([false, false, true]);
    await choice.look(byStore());
    expect(service.told).toEqual([placeOf('B'), placeOf('A')]);
  });

  it('is passed over where its process does not reproduce its golden samples either', async () => {
    await store.damage(placeOf('B'));
    await choice.apply(byStore());
    choice.loaded();
    service.cannot.add(placeOf('A'));
    expect(choice.ended(ended('INFERENCE_LOST'), 1)).toBe(false); // it had worked: the next process has to say so too
    expect(choice.ended(ended('GOLDEN_MISMATCH'), 2)).toBe(true);
    await choice.look(byStore());
    expect(service.told).toEqual([placeOf('A'), placeOf('factory')]);
    const { slots } = await store.store.snapshot();
    expect(choice.unusable).toMatchObject([
      { digest: slots.B?.model?.digest, code: 'PACKAGE_INVALID' },
      { digest: slots.A?.model?.digest, code: 'GOLDEN_MISMATCH' },
    ]);
  });

  it('is what a folder `factory` beside a package holds under its name; a process that works is not ended for it', async () => {
    const at = (...names: string[]): string => join(folder(), ...names);
    await version('0')(at('factory', 'model'));
    await version('3')(at('model'));
    await choice.apply(configured({ package: 'model' }));
    choice.loaded();
    await store.damage(at('model'));
    await choice.apply(configured({ package: 'model' }));
    expect(service.told).toEqual([at('model')]);
    expect(choice.refused).toMatch(/^PACKAGE_INVALID/);
    const anew = new ModelChoice(service, pino({ level: 'silent' }));
    await anew.apply(configured({ package: 'model' }));
    expect(service.told).toEqual([at('model'), at('factory', 'model')]);
    expect(anew.fallback).toMatch(/^PACKAGE_INVALID.*the factory package runs/);
    await rm(at('model'), { recursive: true });
    const later = new ModelChoice(service, pino({ level: 'silent' }));
    await later.apply(configured({ package: 'model' }));
    expect(later.fallback).toMatch(/^FILE_NOT_FOUND.*the factory package runs/);
  });
});

describe('a folder that is named as a slot', () => {
  const folder = temporaryFolder();

  it('is one only where it lies in the store, without a link on the way', async () => {
    const write = (dir: string) => writeCodePackage(dir);
    const { store } = await BoxStore.create(join(folder(), 'store'), 'codes', write);
    const { layout } = store;
    await cp(layout.package('factory'), layout.package('A'), { recursive: true });
    await symlink(layout.package('factory'), layout.package('B'));
    await symlink(join(folder(), 'store'), join(folder(), 'linked'));
    const slots = [
      layout.package('A'),
      join(folder(), 'linked', 'models', 'codes', 'slots', 'A'),
      layout.package('B'),
      layout.package('factory'),
      `${layout.package('A')}/golden`,
      `${layout.package('A')}/../A`,
      '/etc',
      join(folder(), 'gone'),
    ];
    const found = await Promise.all(slots.map((dir) => slotAt(layout, dir)));
    expect(found).toEqual(['A', 'A', undefined, undefined, undefined, 'A', undefined, undefined]);
  });
});
