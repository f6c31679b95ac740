import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { createLog } from '../../../core/log.ts';
import { InferenceProcess } from '../../../daemon/inference/client.ts';
import { FramesInFlight } from '../../../daemon/inference/frames-in-flight.ts';
import type { Ready } from '../../../daemon/inference/protocol.ts';
import { writeColourPackage } from '../../support/colour-package.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();

it('the inference process loads the ONNX Runtime that is named, and says what it computes with', async () => {
  const bundled = join(
    dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json')),
    `bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`,
  );
  const runtimeLibrary = join(folder(), 'runtime');
  await mkdir(runtimeLibrary);
  await copyFile(bundled, join(runtimeLibrary, 'libonnxruntime.so.1'));
  await writeColourPackage(join(folder(), 'colours'));
  const options = {
    package: join(folder(), 'colours'),
    threads: 'auto' as const,
    provider: 'tensorrt' as const,
    runtimeLibrary,
    hangMs: 10_000,
    memoryLimitBytes: 2 ** 30,
  };
  let started: InferenceProcess<never> | undefined;
  const ready = await new Promise<Ready>((resolve, reject) => {
    const listeners = { onReady: resolve, onResult: () => undefined, onFailed: () => undefined, onEnd: reject };
    started = new InferenceProcess<never>(
      options,
      new FramesInFlight(),
      listeners,
      createLog('test', { write: () => undefined }),
    );
  });
  const maps = await readFile(`/proc/${started?.pid}/maps`, 'utf8');
  expect(maps).toContain(join(runtimeLibrary, 'libonnxruntime.so.1'));
  expect(maps).not.toContain(bundled);
  expect(ready.execution).toEqual({ provider: 'cpu', threads: 1, reason: expect.stringMatching(/tensorrt/i) });
  await started?.stop();
});
