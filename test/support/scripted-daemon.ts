import { connect, type Socket } from 'node:net';
import { diskFiles } from '../../core/file-system.ts';
import { LineSplitter } from '../../deploy/agent/line-splitter.ts';
import { ModelStore } from '../../deploy/store/model-store.ts';
import { digestAt } from '../../deploy/store/snapshot.ts';
import type { Block } from '../../deploy/trial/block.ts';
import { type FromAgent, type FromDaemon, fromAgent, LONGEST_LINE_BYTES } from '../../deploy/trial/protocol.ts';
import { until } from './until.ts';

const quiet = { failed: 0, latencyMs: 10, memoryMb: 100, restarts: 0 };

/** A block of two models that answer alike. */
export const equalBlock = (phase: Block['phase']): Block => ({
  phase,
  frames: 200,
  old: quiet,
  candidate: quiet,
  classShift: {},
  disagreement: 0,
  scoreDrift: 0,
  longestGapSeconds: 0.2,
});

/** What is shown of each candidate, by its version; undefined: it never loads. */
export type Show = (version: string, phase: Block['phase']) => Block | undefined;

/** Speaks the daemon's side of the protocol, with a real store and a script in place of cameras. */
export class ScriptedDaemon {
  readonly heard: FromAgent[] = [];
  readonly #socket: Socket;
  readonly #store: string;
  readonly #model: string;
  readonly #show: Show;
  #trial: { readonly id: string; readonly version: string; phase: Block['phase']; index: number } | undefined;

  private constructor(socket: Socket, store: string, model: string, show: Show) {
    this.#socket = socket;
    this.#store = store;
    this.#model = model;
    this.#show = show;
    const lines = new LineSplitter(LONGEST_LINE_BYTES);
    socket.on('data', (chunk) => {
      for (const line of lines.take(chunk)) this.#hear(fromAgent.parse(JSON.parse(line)));
    });
    socket.on('error', () => undefined); // the agent ended
  }

  static async start(path: string, store: string, model: string, show: Show): Promise<ScriptedDaemon> {
    const socket = await until('the socket of the agent', async () => {
      const found = connect(path);
      return new Promise<Socket | false>((resolve) => {
        found.once('connect', () => resolve(found));
        found.once('error', () => resolve(false));
      });
    });
    const daemon = new ScriptedDaemon(socket, store, model, show);
    daemon.#say({
      v: 1,
      type: 'hello',
      daemon: 'scripted',
      packageFormats: [1, 2],
      runtime: 'none',
      model: (await daemon.#running()) ?? null,
    });
    await daemon.#serve();
    return daemon;
  }

  stop(): void {
    this.#socket.destroy();
  }

  async #running(): Promise<{ name: string; version: string; digest: `sha256:${string}` } | undefined> {
    const store = new ModelStore(diskFiles, this.#store, this.#model);
    const snapshot = await store.snapshot();
    const found = await store.runnable();
    if (found === undefined) return undefined;
    const { name, version } = found.manifest;
    return {
      name,
      version,
      digest: (digestAt(snapshot, found.place) ?? `sha256:${'0'.repeat(64)}`) as `sha256:${string}`,
    };
  }

  async #serve(): Promise<void> {
    const model = await this.#running();
    if (model !== undefined) this.#say({ v: 1, type: 'served', model, frames: 25 });
  }

  #hear(message: FromAgent): void {
    this.heard.push(message);
    if (message.type === 'try') {
      this.#trial = { id: message.trial, version: message.model.version, phase: 'shadow', index: 0 };
      if (this.#show(message.model.version, 'shadow') === undefined) {
        this.#say({ v: 1, type: 'candidate', trial: message.trial, event: 'failed', code: 'GOLDEN_MISMATCH' });
        return;
      }
      this.#say({ v: 1, type: 'candidate', trial: message.trial, event: 'ready', labels: 3 });
      this.#next();
    } else if (message.type === 'take-over' && this.#trial !== undefined) {
      this.#trial.phase = 'probation';
      this.#say({ v: 1, type: 'candidate', trial: message.trial, event: 'answers' });
    } else if (message.type === 'end') this.#trial = undefined;
    else if (message.type === 'reload') void this.#serve();
  }

  /** Blocks follow each other until the trial ends. */
  #next(): void {
    const trial = this.#trial;
    if (trial === undefined || this.#socket.destroyed) return;
    const block = this.#show(trial.version, trial.phase);
    if (block !== undefined) this.#say({ v: 1, type: 'block', trial: trial.id, index: trial.index++, block });
    setImmediate(() => setTimeout(() => this.#next(), 2));
  }

  #say(message: FromDaemon): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }
}
