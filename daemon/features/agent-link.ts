import { connect, type Socket } from 'node:net';
import { resolve } from 'node:path';
import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import { backoffMs } from '../../core/backoff.ts';
import { messageOf } from '../../core/errors.ts';
import { VERSION } from '../../core/layout.ts';
import type { Log } from '../../core/log.ts';
import {
  type FromAgent,
  type FromDaemon,
  fromAgent,
  LONGEST_LINE_BYTES,
  PROTOCOL_VERSION,
} from '../../deploy/trial/protocol.ts';
import { PACKAGE_FORMAT } from '../../inference/manifest.ts';
import { lineSplitter } from '../lines.ts';
import type { TrialControl, TrialNews } from '../trial/trials.ts';
import type { AnalysedFrame, DaemonView, Feature } from './feature.ts';

const BACKOFF = { firstMs: 500, longestMs: 30_000 };
/** A connection that lived so long was none that is turned away again and again. */
const LIVED_MS = 10_000;
/** An agent that reads nothing: some hundred blocks of few classes, some ten of a thousand. */
const MOST_UNREAD_BYTES = 1024 * 1024;

/**
 * The line to the agent: tries what it brings, and tells it what was seen. A box without one goes on as it is.
 *
 * A trial lives as long as the connection that it came over: an agent that is gone cannot end it, and one that loses its daemon holds
 * nothing against the candidate.
 */
export class AgentLink implements Feature {
  readonly #daemon: DaemonView;
  readonly #trials: TrialControl;
  readonly #log: Log;
  #ended = false;
  #path: string | undefined;
  #socket: Socket | undefined;
  /** ms of `performance.now()`; undefined without a connection. */
  #connectedAt: number | undefined;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #toldUnusable = '';
  readonly #served = { digest: '', frames: 0, toTell: 1 };

  constructor(daemon: DaemonView, trials: TrialControl, log: Log) {
    this.#daemon = daemon;
    this.#trials = trials;
    this.#log = log;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on('configured', () => this.#configured(), signal);
    this.#daemon.on('changed', () => this.#changed(), signal);
    this.#daemon.on('trial', (news) => this.#tell(news), signal);
    this.#daemon.on('untried', () => this.#socket?.destroy(), signal);
    this.#daemon.on('analysed', (frame) => this.#count(frame), signal);
    const end = (): void => {
      this.#ended = true;
      this.#use(undefined);
    };
    signal.addEventListener('abort', end, { once: true });
    this.#configured();
  }

  #configured(): void {
    const { config, folder } = this.#daemon.present.loaded;
    const path = config.agent === undefined ? undefined : resolve(folder, config.agent.socket);
    if (path !== this.#path) this.#use(path);
  }

  /** Connects to another socket, or to none. */
  #use(path: string | undefined): void {
    this.#path = path;
    this.#failures = 0;
    clearTimeout(this.#retry);
    if (this.#socket === undefined) this.#connect();
    else this.#socket.destroy(); // `close` follows, and the next connection
  }

  #connect(): void {
    if (this.#path === undefined) return;
    const socket = connect({ path: this.#path });
    this.#socket = socket;
    let unended = 0;
    const split = lineSplitter((line) => this.#hear(socket, line));
    socket.on('connect', () => {
      this.#connectedAt = performance.now();
      this.#log.info({ socket: this.#path }, 'connected with the agent');
      this.#hello();
    });
    socket.on('data', (bytes) => {
      const end = bytes.lastIndexOf(10);
      unended = end < 0 ? unended + bytes.length : bytes.length - end - 1;
      if (unended > LONGEST_LINE_BYTES) this.#refuse(socket, `a line of more than ${LONGEST_LINE_BYTES} bytes`);
      else split(bytes);
    });
    socket.on('error', (error) => this.#log.debug({ err: messageOf(error) }, 'the connection with the agent'));
    socket.on('close', () => this.#closed());
  }

  #closed(): void {
    this.#socket = undefined;
    if (this.#connectedAt !== undefined) {
      if (performance.now() - this.#connectedAt > LIVED_MS) this.#failures = 0;
      this.#log.warn({ socket: this.#path }, 'the connection with the agent has ended');
      if (!this.#ended) this.#trials.end(undefined, 'the agent is gone');
    }
    this.#connectedAt = undefined;
    if (this.#path === undefined) return;
    this.#retry = setTimeout(() => this.#connect(), backoffMs(BACKOFF, ++this.#failures, Math.random()));
  }

  #hear(socket: Socket, line: string): void {
    if (socket.destroyed) return;
    let message: FromAgent;
    try {
      message = fromAgent.parse(JSON.parse(line));
    } catch (cause) {
      this.#refuse(socket, messageOf(cause));
      return;
    }
    switch (message.type) {
      case 'try':
        this.#trials.begin(message);
        break;
      case 'take-over':
        this.#trials.takeOver(message.trial);
        break;
      case 'end':
        this.#trials.end(message.trial, message.reason);
        break;
      case 'reload':
        this.#trials.reload();
        break;
    }
  }

  #refuse(socket: Socket, why: string): void {
    this.#log.error({ reason: why }, 'the agent said something that is not in the protocol');
    socket.destroy();
  }

  /** Packages that cannot be used are told when they are others than before. */
  #changed(): void {
    if (this.#connectedAt !== undefined && JSON.stringify(this.#unusable()) !== this.#toldUnusable) this.#hello();
  }

  #unusable(): NonNullable<Said<'hello'>['unusable']> {
    return this.#daemon.present.unusable.flatMap(({ digest, code, message }) =>
      digest !== undefined && isDigest(digest) ? { digest, code, message: message.slice(0, 2000) } : [],
    );
  }

  #hello(): void {
    const { model } = this.#daemon.present;
    const unusable = this.#unusable();
    this.#served.toTell = 1; // who is new does not know
    this.#toldUnusable = JSON.stringify(unusable);
    this.#tell({
      type: 'hello',
      daemon: VERSION,
      packageFormats: Array.from({ length: PACKAGE_FORMAT }, (_, index) => index + 1),
      runtime: model?.runtime ?? 'not loaded yet',
      model: model === undefined ? null : (identityOf(model.model) ?? null),
      ...(unusable.length > 0 && { unusable }), // an agent of before takes no message with a field that it does not know
    });
  }

  /** The first frame of a model is told, or of a connection, and each doubling: nothing is said per frame for long. */
  #count({ frame: { ready } }: AnalysedFrame): void {
    const served = this.#served;
    if (ready.model.digest !== served.digest)
      Object.assign(served, { digest: ready.model.digest, frames: 0, toTell: 1 });
    served.frames++;
    if (served.frames < served.toTell) return;
    served.toTell = 2 * served.frames;
    const model = identityOf(ready.model);
    if (model !== undefined) this.#tell({ type: 'served', model, frames: served.frames });
  }

  #tell(message: TrialNews | Unversioned<'hello' | 'served'>): void {
    const socket = this.#socket;
    if (socket === undefined || this.#connectedAt === undefined) return;
    socket.write(`${JSON.stringify({ v: PROTOCOL_VERSION, ...message })}\n`);
    if (socket.writableLength > MOST_UNREAD_BYTES) socket.destroy();
  }
}

type Said<Type extends FromDaemon['type']> = Extract<FromDaemon, { type: Type }>;
type Unversioned<Type extends FromDaemon['type']> = Type extends unknown ? Omit<Said<Type>, 'v'> : never;
type Identity = NonNullable<Said<'hello'>['model']>;

const isDigest = (text: string): text is Identity['digest'] => /^sha256:[0-9a-f]{64}$/.test(text);

const identityOf = ({ name, version, digest }: ModelIdentity): Identity | undefined =>
  isDigest(digest) ? { name, version, digest } : undefined;
