import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../../core/errors.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { rootTopic } from '../../../daemon/messages/topics.ts';
import { type Broker, mosquittoIn } from './broker.ts';
import { type Listener, listenTo } from './listener.ts';
import { type RunningProgram, startProgram } from './program.ts';

export const CAMERA = 'bench';
const SITE = 'bench';
const BOX = 'box';

/** One box with its broker and someone who listens: mosquitto, the daemon as a process of its own, an MQTT client. */
export interface Site {
  readonly broker: Broker;
  readonly daemon: RunningProgram;
  readonly listener: Listener;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Folder of the site's files. */
  readonly folder: string;
  /** Folder of the model package. */
  readonly model: string;
  /** The rest of the camera's configuration: address, rate, credentials. */
  readonly camera: { readonly url: string } & Readonly<Record<string, unknown>>;
  readonly telemetrySeconds?: number;
  /** Environment of the daemon: where passwords are. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts everything, in this order: broker, listener, daemon. What happens first is heard.
 * JSON is YAML: the configuration needs no writer of its own.
 */
export async function startSite({ folder, model, camera, telemetrySeconds = 5, env = {} }: SiteOptions): Promise<Site> {
  await mkdir(folder, { recursive: true });
  const broker = await mosquittoIn(folder);
  await broker.start();
  const listener = await listenTo(broker.url, rootTopic(SITE, BOX), CAMERA);
  const configuration = join(folder, 'wayside.yaml');
  const content = {
    site: SITE,
    box: BOX,
    mqtt: { url: broker.url },
    model: { package: model },
    cameras: [{ id: CAMERA, threshold: 0, topK: 1, ...camera }],
    telemetry: { intervalSeconds: telemetrySeconds },
    log: { level: 'warn' },
  };
  await writeFile(configuration, JSON.stringify(content, null, 2));
  const program = join(PACKAGE_ROOT, 'bin', 'wayside.js');
  const daemon = await startProgram(process.execPath, [program, 'daemon', '--config', configuration], {
    cwd: folder,
    env,
  });
  let closing = false;
  daemon.ended.then(
    (code) => {
      if (!closing) listener.fail(new Error(`the daemon ended with ${code}: ${daemon.lastWords()}`));
    },
    (thrown: unknown) => listener.fail(new Error(`the daemon could not be watched: ${messageOf(thrown)}`)),
  );
  return {
    broker,
    daemon,
    listener,
    async close() {
      closing = true;
      await daemon.stop();
      await listener.close();
      await broker.stop();
    },
  };
}
