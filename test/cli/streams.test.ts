import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT, VERSION } from '../../core/layout.ts';
import { writeModel } from '../../onnx/file/write.ts';
import { temporaryFolder } from '../support/folder.ts';
import { colourClassifier } from '../support/tiny-classifier.ts';
import { until } from '../support/until.ts';
import { runWayside, startWayside } from '../support/wayside.ts';

const folder = temporaryFolder();
const model = () => join(folder(), 'colours.onnx');
beforeAll(() => writeModel(colourClassifier(), model()));

describe('stdout and stderr', () => {
  it('carry the version and nothing else', async () => {
    expect(await runWayside(['--version'])).toEqual({ exit: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it('carry help on stdout, with every command', async () => {
    const run = await runWayside(['--help']);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    for (const command of ['inspect', 'compress', 'evaluate', 'bench', 'daemon', 'camera', 'demo']) {
      expect(run.stdout).toContain(`  ${command} `);
      expect(await runWayside([command, '--help'])).toMatchObject({ exit: 0, stderr: '' });
    }
  });

  it('end quietly when the reader has seen enough', async () => {
    const wayside = join(PACKAGE_ROOT, 'bin', 'wayside.js');
    const pipe = spawn(
      'bash',
      ['-c', '"$0" "$1" inspect "$2" --json --layers | head -c 1', process.execPath, wayside, model()],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const [out, err] = await Promise.all([text(pipe.stdout), text(pipe.stderr)]);
    expect({ out, err }).toEqual({ out: '{', err: '' });
  });
});

describe('Ctrl-C', () => {
  /** True once the process has loaded ONNX Runtime: the work is under way. */
  const atWork = (pid: number | undefined): boolean =>
    readFileSync(`/proc/${pid}/maps`, 'utf8').includes('onnxruntime');

  // What stops a process group often comes twice, once to the process and once to the group.
  it.runIf(process.platform === 'linux').each([[['SIGINT']], [['SIGTERM']], [['SIGINT', 'SIGTERM']]] as const)(
    'stops a long command with 130 and leaves nothing behind (%s)',
    async (signals) => {
      const before = await readdir(folder());
      const { child, done } = startWayside(['bench', model(), '--seconds', '3600', '--json'], { cwd: folder() });
      await until('it to be at work', () => atWork(child.pid));
      for (const signal of signals) child.kill(signal);
      const run = await done;
      expect(run.exit).toBe(130);
      expect(run.stderr).toMatch(/^error INTERRUPTED: /);
      expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: 'INTERRUPTED' } });
      expect(await readdir(folder())).toEqual(before);
    },
  );
});
