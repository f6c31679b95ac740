import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { compiledModule, PACKAGE_ROOT } from '../../../core/layout.ts';
import { encodeHeader, type FrameHeader, type Result } from '../../../daemon/inference/protocol.ts';
import { inside } from '../../../daemon/vision/geometry.ts';
import { WHOLE_FRAME } from '../../../inference/image.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** An inference process over a package, and what it says next. */
function startProcess(dir: string, options: readonly string[] = []) {
  const args = [...options, compiledModule('daemon/inference/process'), dir, '1'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
  const lines = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  return { child, next, exited: once(child, 'exit') };
}

describe('the inference process', () => {
  const folder = temporaryFolder();

  it('sees nothing of a region that lies outside of its polygon', async () => {
    const { child, next, exited } = startProcess((await writeColourPackage(folder())).dir);
    expect(await next()).toMatchObject({ type: 'ready' });
    const [width, height] = [64, 48];
    // A U whose arms are the edges of the image: most of its box lies between them.
    const polygon = [
      [0, 0],
      [0.25, 0],
      [0.25, 0.75],
      [0.75, 0.75],
      [0.75, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ] as const;
    const image = (insideColour: number, outsideColour: number): Buffer => {
      const data = Buffer.alloc(width * height * 3);
      for (let at = 0; at < width * height; at++) {
        const within = inside(polygon, [((at % width) + 0.5) / width, (Math.floor(at / width) + 0.5) / height]);
        data[at * 3 + (within ? insideColour : outsideColour)] = 255;
      }
      return data;
    };
    const answer = async (id: number, data: Buffer, polygons?: FrameHeader['polygons']): Promise<unknown> => {
      const header = { id, width, height, boxes: [WHOLE_FRAME], topK: 3, threshold: 0, ...(polygons && { polygons }) };
      child.stdin?.write(Buffer.concat([encodeHeader(header), data]));
      const { regions } = (await next()) as Result;
      return regions[0];
    };
    const green = await answer(1, image(1, 1), [polygon]);
    expect(await answer(2, image(1, 0), [polygon])).toEqual(green);
    expect(await answer(3, image(1, 2), [polygon])).toEqual(green);
    expect(green).toMatchObject([{ index: 1 }, {}, {}]);
    expect(await answer(4, image(1, 0))).not.toEqual(await answer(5, image(1, 2)));
    // A reload: the polygon of the frames before is forgotten.
    expect(await answer(6, image(1, 2), [[...polygon.slice(0, 1), ...polygon.slice(5)]])).not.toEqual(green);
    child.stdin?.end();
    expect(await exited).toEqual([0, null]);
  });

  it.each(['package', 'detector-package'])('says of demo/%s that it was made for no street', async (folder) => {
    const { child, next, exited } = startProcess(join(PACKAGE_ROOT, 'demo', folder));
    expect(await next()).toMatchObject({ type: 'ready', purpose: 'demonstration' });
    child.stdin?.end();
    expect(await exited).toEqual([0, null]);
  });

  it('goes on waiting for frames after a signal that has a handler', async () => {
    const { child, next, exited } = startProcess(join(PACKAGE_ROOT, 'demo/package'), ['--inspect-port=0']);
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
