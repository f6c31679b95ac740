import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { UNKNOWN_CLOCK } from '../../contract/clock.ts';
import { type LoadedConfig, loadConfig } from '../../daemon/config/load.ts';
import { DaemonView, type Feature, type Present } from '../../daemon/features/feature.ts';
import { Uplink } from '../../daemon/uplink.ts';

/** What a daemon without a camera and a model would have its features publish, over a real connection. */
export class ReportingBox {
  readonly uplink: Uplink;
  readonly daemon: DaemonView;
  readonly #ended = new AbortController();
  #present: Present;

  constructor(loaded: LoadedConfig) {
    this.#present = {
      loaded,
      model: undefined,
      cameras: [],
      inference: {
        state: 'ready',
        fault: undefined,
        restarts: 0,
        nextAttemptAt: undefined,
        owedMs: 0,
        pids: [],
      },
      modelRefused: undefined,
      modelFallback: undefined,
      unusable: [],
      configurationRefused: undefined,
      short: undefined,
      draining: false,
    };
    this.daemon = new DaemonView(() => this.#present);
    this.uplink = new Uplink(loaded, { log: pino({ level: 'silent' }), clock: () => UNKNOWN_CLOCK });
  }

  start(features: readonly Feature[]): void {
    for (const feature of features) feature.start(this.#ended.signal);
    this.uplink.start();
  }

  /** Makes the present another one, and tells the features. */
  become(change: Partial<Present>): void {
    this.#present = { ...this.#present, ...change };
    this.daemon.emit('changed');
  }

  async stop(): Promise<void> {
    this.daemon.emit('leaving', 'ended on request', true);
    this.#ended.abort();
    await this.uplink.stop();
  }
}

/** The configuration of box `b` at site `a`, with a camera that nobody starts. */
export async function configurationFor(brokerUrl: string, folder: string, box = 'b'): Promise<LoadedConfig> {
  const path = join(folder, `${box}.yaml`);
  const camera = '{ id: gate, url: "rtsp://127.0.0.1/x" }';
  const mqtt = `{ url: "${brokerUrl}", keepaliveSeconds: 3600 }`;
  await writeFile(path, `site: a\nbox: ${box}\nmqtt: ${mqtt}\nmodel: { package: p }\ncameras: [${camera}]\n`);
  return await loadConfig(path);
}
