import { cp, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rootTopic } from '../../../contract/messages/topics.ts';
import { compiledModule, PACKAGE_ROOT } from '../../../core/layout.ts';
import { countingLines } from '../../../demo/scene/crossings.ts';
import { createLens } from '../../../demo/scene/lens.ts';
import { residentTree } from '../process/tree.ts';
import { type Broker, mosquittoIn } from '../site/broker.ts';
import { LoopbackCamera } from '../site/loopback-camera.ts';
import { freePort } from '../site/ports.ts';
import type { RunningProgram } from '../site/program.ts';
import { startDaemon } from '../site/site.ts';
import type { Workplace } from '../workplace.ts';
import { type HeapLook, REPORT_VARIABLE } from './memory-report.ts';
import { type Relay, startRelay } from './relay.ts';
import { SEED, streetClip } from './street-clip.ts';

export const CAMERAS = 8;
/** Frames analysed a second, of each camera. */
export const RATE = 2;
/** The least that may be asked for: a broker that is away is noticed after one and a half of it. */
const KEEPALIVE_S = 5;
/** A model that does not answer for so long is taken for hung. */
const HANG_S = 3;
const [SITE, BOX] = ['bench', 'box'];

/** Nothing is lost between the broker and a session while one of them is away. */
const LASTING = (folder: string): string[] => [
  'persistence true',
  `persistence_location ${folder}/`,
  'autosave_interval 1',
  'autosave_on_changes true',
  'max_queued_messages 100000',
];

/** A box that counts on eight cameras, with everything that can be taken from it. */
export class SoakedBox {
  readonly root = rootTopic(SITE, BOX);
  readonly cameras: ReadonlyMap<string, LoopbackCamera>;
  readonly broker: Broker;
  readonly relay: Relay;
  readonly daemon: RunningProgram;
  readonly journal: string;
  readonly #folder: string;
  readonly #urls: ReadonlyMap<string, string>;
  #version = 0;

  private constructor(
    parts: Pick<SoakedBox, 'cameras' | 'broker' | 'relay' | 'daemon' | 'journal'>,
    folder: string,
    urls: ReadonlyMap<string, string>,
  ) {
    this.cameras = parts.cameras;
    this.broker = parts.broker;
    this.relay = parts.relay;
    this.daemon = parts.daemon;
    this.journal = parts.journal;
    this.#folder = folder;
    this.#urls = urls;
  }

  static async start(place: Workplace): Promise<SoakedBox> {
    const clip = await streetClip(place);
    const folder = join(place.scratch, 'site');
    await mkdir(folder, { recursive: true });
    const broker = await mosquittoIn(folder, LASTING(folder));
    await broker.start();
    const relay = await startRelay(Number(new URL(broker.url).port));
    const cameras = new Map<string, LoopbackCamera>();
    const urls = new Map<string, string>();
    for (let i = 1; i <= CAMERAS; i++) {
      const camera = new LoopbackCamera(clip, await freePort());
      await camera.on();
      cameras.set(`camera-${i}`, camera);
      urls.set(`camera-${i}`, camera.server.url);
    }
    for (const version of MODEL_VERSIONS) await modelAs(join(folder, `model-${version}`), version);
    await writeConfiguration(folder, relay.port, urls, MODEL_VERSIONS[0]);
    const daemon = await startDaemon(join(folder, 'wayside.yaml'), {
      env: {
        NODE_OPTIONS: `--import=${pathToFileURL(compiledModule('bench/harness/soak/memory-report'))}`,
        [REPORT_VARIABLE]: join(folder, 'memory.jsonl'),
      },
    });
    return new SoakedBox({ cameras, broker, relay, daemon, journal: join(folder, 'journal') }, folder, urls);
  }

  /** The version of the model that was last asked for. */
  get model(): string {
    return MODEL_VERSIONS[this.#version] ?? '';
  }

  /** The next version of the model is configured, and the daemon told. */
  async reload(): Promise<void> {
    this.#version = (this.#version + 1) % MODEL_VERSIONS.length;
    await writeConfiguration(this.#folder, this.relay.port, this.#urls, this.model);
    this.daemon.kill('SIGHUP');
  }

  /**
   * The process that decodes a camera: the one below the daemon with a connection to it. One that was forked and has not begun its program
   * has the daemon's connections too; stopped just then it would stop the daemon, which waits for it to begin.
   */
  async decoderOf(id: string): Promise<number | undefined> {
    const port = Number(new URL(this.#urls.get(id) ?? '').port);
    const sockets = await socketsTo(port);
    for (const { pid, name } of await residentTree(this.daemon.pid)) {
      if (name !== 'ffmpeg') continue;
      for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
        const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''); // it may have ended meanwhile
        if (sockets.has(target)) return pid;
      }
    }
    return undefined;
  }

  /** What the heap of the daemon held, every few seconds. */
  async heap(): Promise<HeapLook[]> {
    const lines = await readFile(join(this.#folder, 'memory.jsonl'), 'utf8');
    return lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as HeapLook]));
  }

  async close(): Promise<void> {
    this.broker.signal('SIGCONT');
    await this.daemon.stop();
    await this.relay.close();
    for (const camera of this.cameras.values()) await camera.off();
    await this.broker.stop();
  }
}

const MODEL_VERSIONS = ['2', '3'] as const;

/** The demonstration's detector under another version: another package to the box. */
async function modelAs(folder: string, version: string): Promise<void> {
  await cp(join(PACKAGE_ROOT, 'demo', 'detector-package'), folder, { recursive: true });
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as object;
  await writeFile(path, JSON.stringify({ ...manifest, version }));
}

/** JSON is YAML: the configuration needs no writer of its own. */
async function writeConfiguration(
  folder: string,
  port: number,
  urls: ReadonlyMap<string, string>,
  model: string,
): Promise<void> {
  const lines = countingLines(createLens(SEED));
  const content = {
    site: SITE,
    box: BOX,
    demonstration: true,
    mqtt: { url: `mqtt://127.0.0.1:${port}`, keepaliveSeconds: KEEPALIVE_S },
    model: { package: `model-${model}`, hangSeconds: HANG_S },
    cameras: [...urls].map(([id, url]) => ({ id, url, rate: RATE, lines })),
    counting: { intervals: [30, 60] },
    journal: { folder: 'journal' },
    log: { level: 'warn' },
  };
  await writeFile(join(folder, 'wayside.yaml'), JSON.stringify(content, null, 2));
}

const ESTABLISHED = '01';

/** Open connections of this machine to a port of 127.0.0.1, as `/proc/PID/fd` names them (proc(5), `net/tcp`). */
async function socketsTo(port: number): Promise<Set<string>> {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return new Set(rows.flatMap((row) => (row[2] === remote && row[3] === ESTABLISHED ? [`socket:[${row[9]}]`] : [])));
}
