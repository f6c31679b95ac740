import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { askModule, forkModule } from '../../core/child.ts';
import { WaysideError } from '../../core/errors.ts';
import { compiledModule } from '../../core/layout.ts';
import type { LatencyRequest } from '../../inference/latency-probe.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { isRunning } from '../support/processes.ts';
import { describeWith } from '../support/requirements.ts';
import { colourClassifier } from '../support/tiny-classifier.ts';
import { until } from '../support/until.ts';

const PROBE = 'inference/latency-probe';
const lost = (how: string): WaysideError => new WaysideError('SESSION_LOAD', { message: `the probe ${how}` });

describe('a module in a process of its own', () => {
  const folder = temporaryFolder();
  const question = (): LatencyRequest => ({ model: join(folder(), 'colours.onnx'), size: [32, 32], budgetMs: 20 });
  beforeAll(() => writeModel(colourClassifier(), question().model));

  it('answers one question after another, also after one that it could not answer', async () => {
    const probe = forkModule<LatencyRequest, number>(PROBE, { lost });
    expect(await probe.ask(question())).toBeGreaterThan(0);
    await expect(probe.ask({ ...question(), model: '/nowhere.onnx' })).rejects.toMatchObject({
      name: 'WaysideError',
      code: expect.stringMatching(/^[A-Z_]+$/),
      message: expect.stringContaining('/nowhere.onnx'),
    });
    expect(await probe.ask(question())).toBeGreaterThan(0);
    await probe.end();
    expect(probe.child.exitCode).toBe(0);
  });

  it('is lost when it ends by itself: the question under way, and every later one, says so', async () => {
    const probe = forkModule<LatencyRequest, number>(PROBE, { lost });
    const asked = probe.ask({ ...question(), budgetMs: 60_000 });
    probe.child.kill('SIGKILL');
    const gone = { code: 'SESSION_LOAD', message: 'the probe ended by itself (SIGKILL)' };
    await expect(asked).rejects.toMatchObject(gone);
    await expect(probe.lost).rejects.toMatchObject(gone);
    await expect(probe.ask(question())).rejects.toMatchObject(gone);
    await probe.end();
  });

  it('is killed by an abort, and the question under way rejects with it', async () => {
    const controller = new AbortController();
    const asked = askModule<LatencyRequest, number>(PROBE, question(), { lost, signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is killed where it does not end in order', async () => {
    const probe = forkModule<LatencyRequest, number>(PROBE, { lost });
    probe.child.kill('SIGSTOP');
    await probe.end(50);
    expect(probe.child.signalCode).toBe('SIGKILL');
  });
});

describeWith(
  { needs: [{ name: 'Linux', met: process.platform === 'linux', hint: 'processes are looked up in /proc' }] },
  'a module whose parent was killed',
  () => {
    it.each([PROBE, 'cli/load-probe', 'compression/training/data-parallel/process'])('%s ends too', async (module) => {
      const script = `
        const { forkModule } = await import(${JSON.stringify(pathToFileURL(compiledModule('core/child')).href)});
        const { child } = forkModule(${JSON.stringify(module)}, { lost: (how) => new Error(how) });
        console.log(child.pid);`;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      expect(await isRunning(pid)).toBe(true);
      parent.kill('SIGKILL');
      await until('it to end', async () => !(await isRunning(pid)));
    });
  },
);
