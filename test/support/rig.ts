import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IClientOptions } from 'mqtt';
import { stringify } from 'yaml';
import type { StateMessage, StateReason } from '../../contract/messages/state.ts';
import { rawFrameSource } from '../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, type RtspServerOptions, startRtspServer } from '../../demo/rtsp/server.ts';
import { writeColourPackage } from './colour-package.ts';
import { DaemonProcess } from './daemon-process.ts';
import { Listener } from './listener.ts';
import { freePort, Mosquitto } from './mosquitto.ts';

const [WIDTH, HEIGHT] = [320, 180];
const SPOT = 20;

/** An image that is red on the left and blue on the right, with a spot that wanders: a still one would count as frozen. */
function twoColours(index: number): Uint8Array {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let at = 0; at < WIDTH * HEIGHT; at++) data[at * 3 + (at % WIDTH < WIDTH / 2 ? 0 : 2)] = 255;
  const [left, top] = [(index * 3) % (WIDTH - SPOT), (index * 2) % (HEIGHT - SPOT)];
  for (let y = top; y < top + SPOT; y++) data.fill(255, (y * WIDTH + left) * 3, (y * WIDTH + left + SPOT) * 3);
  return data;
}

/** A real RTSP camera on a port, showing red and blue. */
export async function startColourCamera(options: Omit<RtspServerOptions, 'source'> = {}): Promise<RtspServer> {
  const source = rawFrameSource({ width: WIDTH, height: HEIGHT, fps: 25, render: twoColours });
  return await startRtspServer({ source, ...options });
}

export interface RigOptions {
  /** Merged over the configuration of the rig, level by level at the top. */
  readonly config?: (rig: {
    readonly folder: string;
    readonly cameraUrl: string;
    readonly broker: Mosquitto;
  }) => object;
  /** Puts beside the configuration what it names. */
  readonly prepare?: (folder: string) => Promise<void>;
  readonly credentials?: RtspServerOptions['credentials'];
  readonly environment?: NodeJS.ProcessEnv;
  /** Of mosquitto.conf. @default everyone may do everything */
  readonly broker?: (folder: string) => readonly string[] | Promise<readonly string[]>;
  /** How the listener connects. */
  readonly listener?: IClientOptions;
  /** Stands before the command of the daemon. */
  readonly before?: readonly string[];
}

/** Lines of mosquitto.conf, and options of a listener, with which nothing is lost between them while the broker is away. */
export const LASTING = {
  broker: (folder: string): string[] => [
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${folder}/`,
    'autosave_interval 1',
    'autosave_on_changes true',
    'max_queued_messages 100000', // with 0, for any number, mosquitto 2.0.11 ends MQTT 3.1.1 connections over a topic that it denies
  ],
  listener: { clean: false, clientId: 'centre' },
} as const;

/** Everything real: a camera, a broker, a daemon from a package, and someone who listens. */
export class Rig {
  readonly folder: string;
  readonly broker: Mosquitto;
  camera: RtspServer;
  readonly listener: Listener;
  daemon: DaemonProcess;
  readonly configPath: string;
  readonly #config: Record<string, unknown>;
  readonly #options: Pick<RigOptions, 'environment' | 'before'>;

  private constructor(
    parts: Pick<Rig, 'folder' | 'broker' | 'camera' | 'listener' | 'daemon' | 'configPath'>,
    config: Record<string, unknown>,
    options: Pick<RigOptions, 'environment' | 'before'>,
  ) {
    this.folder = parts.folder;
    this.broker = parts.broker;
    this.camera = parts.camera;
    this.listener = parts.listener;
    this.daemon = parts.daemon;
    this.configPath = parts.configPath;
    this.#config = config;
    this.#options = options;
  }

  static async start({ config, prepare, credentials, ...options }: RigOptions = {}): Promise<Rig> {
    const folder = await mkdtemp(join(tmpdir(), 'wayside-rig-'));
    const broker = await Mosquitto.start(folder, await options.broker?.(folder));
    const port = await freePort();
    const camera = await startColourCamera({ port, ...(credentials === undefined ? {} : { credentials }) });
    await writeColourPackage(join(folder, 'package'));
    await prepare?.(folder);
    const full = {
      site: 'test',
      box: 'one',
      mqtt: { url: broker.url, keepaliveSeconds: 5 },
      model: { package: 'package', hangSeconds: 2 },
      cameras: [northCamera(camera.url)],
      telemetry: { intervalSeconds: 1 },
      ...config?.({ folder, cameraUrl: camera.url, broker }),
    };
    const configPath = join(folder, 'wayside.yaml');
    await writeFile(configPath, stringify(full));
    const listener = await Listener.start(broker.url, options.listener);
    const daemon = new DaemonProcess(configPath, options.environment, options.before);
    return new Rig({ folder, broker, camera, listener, daemon, configPath }, full, options);
  }

  /** The next run of the daemon, where the one before has ended. */
  startDaemon(): void {
    this.daemon = new DaemonProcess(this.configPath, this.#options.environment, this.#options.before);
  }

  /** Writes the configuration anew, with some of its top levels replaced, and sends SIGHUP. */
  async reconfigure(change: object): Promise<void> {
    await writeFile(this.configPath, stringify({ ...this.#config, ...change }));
    this.daemon.child.kill('SIGHUP');
  }

  /** Waits until everything works and detections arrive. @returns when the first of these arrived */
  async working(after = 0): Promise<number> {
    await this.listener.next('state', ({ state }) => state === 'online', { after });
    return (await this.listener.next('detections', () => true, { after })).at;
  }

  /** Waits until the state of the box names a reason of a code; a busy machine has others besides. @returns its words, and when it came */
  async degradedBy(
    code: StateReason['code'],
    after: number,
  ): Promise<{ readonly message: string; readonly at: number }> {
    const reason = ({ reasons }: StateMessage) => reasons.find((each) => each.code === code);
    const { message, at } = await this.listener.next('state', (state) => reason(state) !== undefined, { after });
    return { message: reason(message)?.message ?? '', at };
  }

  async stop(): Promise<void> {
    await this.daemon.end();
    await this.listener.stop();
    await this.camera.close();
    await this.broker.stop();
    await rm(this.folder, { recursive: true });
  }
}

/** The rig's camera with two regions. */
export const northCamera = (url: string): Record<string, unknown> => ({
  id: 'north',
  url,
  rate: 10,
  stallSeconds: 2,
  regions: [
    { name: 'left', box: [0, 0, 0.5, 1] },
    { name: 'right', box: [0.5, 0, 0.5, 1] },
  ],
});

/** Prints how long a recovery took, into the output of the tests. */
export function tookLine(what: string, fromMs: number, toMs: number): void {
  process.stdout.write(`    ${what}: ${((toMs - fromMs) / 1000).toFixed(2)} s\n`);
}
