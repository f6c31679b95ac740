import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { compiledModule, PACKAGE_ROOT } from '../../../core/layout.ts';

describe('the inference process', () => {
  it('goes on waiting for frames after a signal that has a handler', async () => {
    const module = compiledModule('daemon/inference/process');
    const args = ['--inspect-port=0', module, join(PACKAGE_ROOT, 'demo/package'), '1'];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'ignore', 'pipe'] });
    const exited = once(child, 'exit');
    const [ready] = await once(createInterface({ input: child.stdio[3] as Readable }), 'line');
    expect(JSON.parse(String(ready))).toMatchObject({ type: 'ready' });
    child.kill('SIGUSR1'); // its handler asks Node for the inspector
    child.stdin?.end();
    expect(await exited).toEqual([0, null]);
  });
});
