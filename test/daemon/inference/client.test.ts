import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { type InferenceEnd, InferenceProcess } from '../../../daemon/inference/client.ts';
import { FramesInFlight } from '../../../daemon/inference/frames-in-flight.ts';
import { until } from '../../support/until.ts';

const open = (): number => readdirSync('/proc/self/fd').length;

it.runIf(process.platform === 'linux')('one that was killed leaves no descriptor behind', async () => {
  const frames = new FramesInFlight<InferenceProcess<string>, string>();
  const options = {
    ...{ package: join(PACKAGE_ROOT, 'demo/package'), threads: 1, provider: 'cpu' as const },
    ...{ hangMs: 10_000, memoryLimitBytes: 2 ** 30 },
  };
  /** Starts one, kills it when it is ready, and waits until it is gone. */
  const lived = async (): Promise<void> => {
    let end: InferenceEnd | undefined;
    const started: InferenceProcess<string> = new InferenceProcess<string>(
      options,
      frames,
      {
        onReady: () => started.kill('INFERENCE_LOST', 'for a test'),
        onResult: () => undefined,
        onFailed: () => undefined,
        onEnd: (how) => {
          end = how;
        },
      },
      pino({ level: 'silent' }),
    );
    await until('its end', () => end !== undefined);
    expect(end).toMatchObject({ code: 'INFERENCE_LOST', expected: false });
  };
  await lived(); // what is opened once stays open
  const before = open();
  await lived();
  await lived();
  await until('as many descriptors as before', () => open() <= before);
});
