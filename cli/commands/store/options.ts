import { Option } from 'commander';

export interface StoreOptions {
  readonly store: string;
  readonly socket: string;
}

export const storeOption = (): Option => new Option('--store <folder>', 'the store').default('/var/lib/wayside-models');

/** For commands that write. */
export const socketOption = (): Option =>
  new Option('--socket <file>', 'of the agent, which alone writes while it runs').default(
    '/run/wayside-agent/agent.sock',
  );

/** @throws {WaysideError} STORE_STATE while an agent runs */
export async function requireNoAgent(socket: string): Promise<void> {
  const [{ answers }, { WaysideError }] = await Promise.all([
    import('../../../deploy/agent/daemon-socket.ts'),
    import('../../../core/errors.ts'),
  ]);
  if (await answers(socket)) {
    throw new WaysideError('STORE_STATE', {
      message: `an agent is at work: it listens on ${socket}`,
      hint: 'send it a job, or stop it first: systemctl stop wayside-agent',
    });
  }
}
