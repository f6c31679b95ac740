import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { compiledModule, PACKAGE_ROOT } from '../../../core/layout.ts';
import { encodeHeader } from '../../../daemon/inference/protocol.ts';
import { WHOLE_FRAME } from '../../../inference/image.ts';

describe('the inference process', () => {
  it('goes on waiting for frames after a signal that has a handler', async () => {
    const module = compiledModule('daemon/inference/process');
    const args = ['--inspect-port=0', module, join(PACKAGE_ROOT, 'demo/package'), '1'];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
    const exited = once(child, 'exit');
    const lines = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
    expect(await next()).toMatchObject({ type: 'ready' });
    child.kill('SIGUSR1'); // its handler asks Node for the inspector, which it gets between two frames
    let said = '';
    (child.stderr as Readable).on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    // The signal may be heard only while a frame is looked at, as it waits for frames without turning. Node 20 aborts where it ends
    // while the inspector begins.
    for (let id = 7; !said.includes('Debugger listening'); id++) {
      const header = { id, width: 8, height: 8, boxes: [WHOLE_FRAME], topK: 1, threshold: 0 };
      child.stdin?.write(Buffer.concat([encodeHeader(header), Buffer.alloc(8 * 8 * 3, 128)]));
      expect(await next()).toMatchObject({ type: 'result', id });
    }
    child.stdin?.end();
    expect(await exited).toEqual([0, null]);
  });
});
