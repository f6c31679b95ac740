import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { rootTopic } from '../../../contract/messages/topics.ts';
import { messageOf } from '../../../core/errors.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { SMALL_HEAP } from '../../../daemon/heap.ts';
import { type Broker, mosquittoIn } from './broker.ts';
import { type Listener, listenTo } from './listener.ts';
import { type RunningProgram, startProgram } from './program.ts';

const CAMERA = 'bench';
const SITE = 'bench';
const BOX = 'box';

/** One box with its broker and someone who listens: mosquitto, the daemon as a process of its own, an MQTT client. */
export interface Site {
  readonly broker: Broker;
  readonly daemon: RunningProgram;
  readonly listener: Listener;
  /** One a camera, in their order; the first is `listener`. */
  readonly listeners: readonly Listener[];
  close(): Promise<void>;
}

interface SiteOptions {
  /** Folder of the site's files. */
  readonly folder: string;
  /** Folder of the model package. */
  readonly model: string;
  /** The rest of the camera's configuration: address, rate, credentials. */
  readonly camera: { readonly url: string } & Readonly<Record<string, unknown>>;
  /** More cameras, configured likewise. */
  readonly others?: readonly SiteOptions['camera'][];
  readonly telemetrySeconds?: number;
  /** The Node that runs the daemon. @default this one */
  readonly node?: string;
  /** Environment of the daemon: where passwords are. */
  readonly env?: Readonly<Record<string, string>>;
  /** The daemon runs behind something and reaches the broker at another address. */
  readonly outside?: OutsideOptions;
}

interface OutsideOptions {
  /** Where the broker listens as well. */
  readonly address: string;
  /** Stands before the command of the daemon. */
  readonly before: readonly string[];
  /** Whether the broker speaks TLS there, with `tls.pem` and `tls.key` of the folder. */
  readonly tls: boolean;
}

const OUTSIDE_PORT = 18830;

/** What mosquitto and the daemon have to be told about it. */
function outsideOf({ address, before, tls }: OutsideOptions, folder: string) {
  const file = (name: string): string => join(folder, name);
  return {
    lines: [
      `listener ${OUTSIDE_PORT} ${address}`,
      ...(tls ? [`certfile ${file('tls.pem')}`, `keyfile ${file('tls.key')}`] : []),
    ],
    mqtt: { url: `${tls ? 'mqtts' : 'mqtt'}://${address}:${OUTSIDE_PORT}`, ...(tls ? { ca: file('tls.pem') } : {}) },
    before,
  };
}

interface DaemonOptions {
  /** Stands before the command. */
  readonly before?: readonly string[];
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The daemon with the option of node that its package gives it. */
export function startDaemon(
  configuration: string,
  { before = [], node = process.execPath, env = {} }: DaemonOptions,
): Promise<RunningProgram> {
  const program = join(PACKAGE_ROOT, 'bin', 'wayside.js');
  const [first = node, ...rest] = [...before, node, SMALL_HEAP, program, 'daemon', '--config', configuration];
  return startProgram(first, rest, { cwd: dirname(configuration), env });
}

/**
 * Starts everything, in this order: broker, listener, daemon. What happens first is heard.
 * JSON is YAML: the configuration needs no writer of its own.
 */
export async function startSite({
  folder,
  model,
  camera,
  others = [],
  telemetrySeconds = 5,
  node = process.execPath,
  env = {},
  outside,
}: SiteOptions): Promise<Site> {
  await mkdir(folder, { recursive: true });
  const beyond = outside === undefined ? undefined : outsideOf(outside, folder);
  const broker = await mosquittoIn(folder, beyond?.lines);
  await broker.start();
  const cameras = [camera, ...others].map((each, i) => ({
    id: i === 0 ? CAMERA : `${CAMERA}-${i + 1}`,
    threshold: 0,
    topK: 1,
    ...each,
  }));
  const listener = await listenTo(broker.url, rootTopic(SITE, BOX), CAMERA);
  const listeners = [listener];
  for (const { id } of cameras.slice(1)) listeners.push(await listenTo(broker.url, rootTopic(SITE, BOX), id));
  const configuration = join(folder, 'wayside.yaml');
  const content = {
    site: SITE,
    box: BOX,
    demonstration: true, // the model may be that of the rendered street, whose box would be degraded
    mqtt: beyond?.mqtt ?? { url: broker.url },
    model: { package: model },
    cameras,
    telemetry: { intervalSeconds: telemetrySeconds },
    log: { level: 'warn' },
  };
  await writeFile(configuration, JSON.stringify(content, null, 2));
  const daemon = await startDaemon(configuration, { before: beyond?.before ?? [], node, env });
  let closing = false;
  daemon.ended.then(
    (code) => {
      if (closing) return;
      for (const each of listeners) each.fail(new Error(`the daemon ended with ${code}: ${daemon.lastWords()}`));
    },
    (thrown: unknown) => {
      for (const each of listeners) each.fail(new Error(`the daemon could not be watched: ${messageOf(thrown)}`));
    },
  );
  return {
    broker,
    daemon,
    listener,
    listeners,
    async close() {
      closing = true;
      await daemon.stop();
      for (const each of listeners) await each.close();
      await broker.stop();
    },
  };
}
