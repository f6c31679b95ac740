import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodesByProvider, openExecution } from '../../inference/hardware/execution.ts';
import { instructionSets } from '../../inference/hardware/processor.ts';
import { floatTensor, openSession, type Session } from '../../inference/session.ts';
import { writeColourPackage } from '../support/colour-package.ts';
import { temporaryFolder } from '../support/folder.ts';

const folder = temporaryFolder();
const colours = async (): Promise<string> => {
  const dir = join(folder(), 'colours');
  await writeColourPackage(dir).catch(() => undefined); // made by the test before
  return join(dir, 'model.onnx');
};
const once = (session: Session): Promise<unknown> =>
  session.run({ image: floatTensor(new Float32Array(3 * 32 * 32), [1, 3, 32, 32]) });
describe('how a model is run', () => {
  it('is on the CPU, with the reason, where the provider asked for is not there', async () => {
    const { session, execution } = await openExecution(await colours(), { threads: 1, provider: 'cuda' }, once);
    expect(execution).toEqual({ provider: 'cpu', threads: 1, reason: expect.stringMatching(/cuda/i) });
    await once(session);
  });

  it('is told by the profile of the runtime, node by node', async () => {
    const profiles = join(folder(), 'profiles');
    await mkdir(profiles);
    const session = await openSession(await colours(), { profilePrefix: join(profiles, 'run') });
    await once(session);
    session.endProfiling();
    const [name = ''] = await readdir(profiles);
    const counts = nodesByProvider(await readFile(join(profiles, name), 'utf8'));
    expect(counts.get('cpu')).toBeGreaterThan(0);
    expect(counts.get('cuda')).toBeUndefined();
  });

  it('takes one thread for a fast model, and for a slow one as many as are measured to be worth it', async () => {
    const auto = { threads: 'auto', provider: 'cpu' } as const;
    const threads = async (cores: number, ...ms: number[]): Promise<number> => {
      const measure = async (run: () => Promise<unknown>): Promise<number> => {
        await run();
        return ms.shift() ?? Number.NaN;
      };
      return (await openExecution(await colours(), auto, once, { cores, measure })).execution.threads;
    };
    expect(await threads(8, 2)).toBe(1);
    expect(await threads(8, 12, 4)).toBe(4);
    expect(await threads(4, 12, 4)).toBe(3);
    expect(await threads(8, 12, 11)).toBe(1);
    expect(await threads(2)).toBe(1);
  });
});

describe('instruction sets', () => {
  it('are those that int8 uses, on x86 and Arm', () => {
    expect(instructionSets(() => 'model name\t: x\nflags\t\t: fpu avx2 avx512f avx512_vnni avx_vnni\n')).toEqual([
      'avx2',
      'avx512f',
      'vnni',
    ]);
    expect(instructionSets(() => 'processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n')).toEqual([
      'neon',
      'dotprod',
      'i8mm',
    ]);
  });

  it('are not known where the system does not tell', () => {
    const nothing = (): string => {
      throw new Error('no /proc');
    };
    expect(instructionSets(nothing)).toEqual([]);
  });
});
