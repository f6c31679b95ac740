import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { lineSplitter } from '../../daemon/lines.ts';
import type { Block } from '../../deploy/trial/block.ts';
import type { Verdict } from '../../deploy/trial/judge.ts';
import { TrialJudge } from '../../deploy/trial/judge.ts';
import type { TrialLimits } from '../../deploy/trial/limits.ts';
import { type FromAgent, type FromDaemon, fromAgent, fromDaemon } from '../../deploy/trial/protocol.ts';
import { until } from './until.ts';

type Said<Type extends FromDaemon['type']> = Extract<FromDaemon, { type: Type }>;

/** What the judge takes: unknown is not a number there. */
export const blockOf = ({ block }: Said<'block'>): Block => {
  const model = (told: Said<'block'>['block']['old']) => ({
    ...told,
    latencyMs: told.latencyMs ?? Number.NaN,
    memoryMb: told.memoryMb ?? Number.NaN,
  });
  return { ...block, old: model(block.old), candidate: model(block.candidate) };
};

/** The agent's end of the line to a daemon, and its judge; without anything that downloads or writes. */
export class TrialAgent {
  readonly heard: FromDaemon[] = [];
  readonly #server: Server;
  #socket: Socket | undefined;
  #fault: unknown;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#socket = socket;
      socket.on('error', () => undefined); // a daemon that is ended
      const split = lineSplitter((line) => {
        const message = fromDaemon.safeParse(JSON.parse(line));
        if (message.success) this.heard.push(message.data);
        else this.#fault ??= message.error;
      });
      socket.on('data', split);
    });
  }

  static async listen(path: string): Promise<TrialAgent> {
    const agent = new TrialAgent();
    await once(agent.#server.listen(path), 'listening');
    return agent;
  }

  send(message: FromAgent): void {
    this.#socket?.write(`${JSON.stringify(fromAgent.parse(message))}\n`);
  }

  /** Bytes that are none of its messages. */
  sendText(text: string): void {
    this.#socket?.write(text);
  }

  /** The first message of a type from a position on that fits. */
  async next<Type extends FromDaemon['type']>(
    type: Type,
    fits: (message: Said<Type>) => boolean = () => true,
    from = 0,
  ): Promise<Said<Type>> {
    return until(
      `a message ${type}`,
      () => {
        if (this.#fault !== undefined) throw this.#fault;
        return this.heard
          .slice(from)
          .find((each): each is Said<Type> => each.type === type && fits(each as Said<Type>));
      },
      60_000,
    );
  }

  /** Leads a trial to its end, once its candidate is ready: what the judge says of each block is done. */
  async decide(trial: string, limits: TrialLimits): Promise<Verdict> {
    const ready = await this.next('candidate', (each) => each.trial === trial && each.event === 'ready');
    const judge = new TrialJudge(limits, ready.labels ?? 1, ready);
    for (let index = 0; ; index++) {
      const message = await this.next('block', (each) => each.trial === trial && each.index === index);
      const verdict = judge.add(blockOf(message));
      if (verdict.step === 'promote' || verdict.step === 'roll-back') return verdict;
      if (verdict.step === 'take-over') this.send({ v: 1, type: 'take-over', trial });
    }
  }

  /** Cuts the connection, as an agent that dies; the next one is taken. */
  hangUp(): void {
    this.#socket?.destroy();
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    if (this.#fault !== undefined) throw this.#fault;
  }
}
