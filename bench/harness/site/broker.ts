import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mqtt from 'mqtt';
import { findProgram } from '../workplace.ts';
import { freePort } from './ports.ts';
import { type RunningProgram, startProgram } from './program.ts';

/** A mosquitto on the loopback that can be stopped and started at the same address. */
export interface Broker {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** To the running one. */
  signal(name: NodeJS.Signals): void;
}

/** Long enough for a loaded machine; a broker that starts does so within a tenth of a second. */
const START_TIMEOUT_MS = 10_000;
const TRY_EVERY_MS = 20;

/** Resolves when a client got in; refused connections before that are what starting looks like. */
async function answers(url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
      await client.endAsync();
      return;
    } catch (cause) {
      if (performance.now() > deadline) throw cause;
      await delay(TRY_EVERY_MS);
    }
  }
}

/**
 * @param folder for its configuration file
 * @param lines of mosquitto.conf beyond those that let everyone in on the loopback
 */
export async function mosquittoIn(folder: string, lines: readonly string[] = []): Promise<Broker> {
  const program = await findProgram('mosquitto');
  if (program === undefined) throw new Error('mosquitto is not installed');
  const port = await freePort();
  const configuration = join(folder, 'mosquitto.conf');
  // Started by root it would become another user, who may not read this folder.
  const user = process.getuid?.() === 0 ? ['user root'] : [];
  const settings = [...user, 'allow_anonymous true', `listener ${port} 127.0.0.1`, ...lines];
  await writeFile(configuration, `${settings.join('\n')}\n`);
  const url = `mqtt://127.0.0.1:${port}`;
  let running: RunningProgram | undefined;
  return {
    url,
    async start() {
      running = await startProgram(program, ['-c', configuration], { cwd: folder });
      const gone = running.ended.then((code) => {
        throw new Error(`mosquitto ended with ${code}: ${running?.lastWords()}`);
      });
      gone.catch(() => undefined); // looked at only while it starts
      await Promise.race([answers(url), gone]);
    },
    async stop() {
      await running?.stop();
      running = undefined;
    },
    signal: (name) => running?.kill(name),
  };
}
