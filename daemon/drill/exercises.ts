import { readFile } from 'node:fs/promises';
import { attempt, type BrokerOptions } from '../../contract/mqtt/attempt.ts';
import { descendantsOf } from '../telemetry/descendants.ts';

/** What an exercise has to work with. */
export interface Scene {
  /** Of the daemon, as it runs now. */
  readonly daemon: number;
  /** Of the agent; undefined where none runs. */
  readonly agent: number | undefined;
  /** As the daemon connects, its client id included. */
  readonly broker: BrokerOptions;
  /** Whether somebody starts daemon and agent again. */
  readonly restarted: boolean;
}

/** One thing that goes wrong. */
export interface Exercise {
  readonly name: string;
  readonly title: string;
  /** Within which every camera has to detect again, s. */
  readonly limitSeconds: number;
  /** Whether the box itself says that it is not well meanwhile; the agent's end it does not notice. */
  readonly noticed: boolean;
  /** @returns why it cannot be done here; undefined once it is done */
  inject(scene: Scene): Promise<string | undefined>;
}

const INFERENCE = 'daemon/inference/process';

async function childrenOf(daemon: number, inference: boolean): Promise<number[]> {
  const found: number[] = [];
  for (const pid of descendantsOf(daemon)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command !== '' && command.includes(INFERENCE) === inference) found.push(pid);
  }
  return found;
}

/** Each is gone by the time it is signalled, or is not: both are what was wanted. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH')) throw thrown;
    }
  }
}

const toChildren = (inference: boolean, signal: NodeJS.Signals) => async (scene: Scene) => {
  const pids = await childrenOf(scene.daemon, inference);
  if (pids.length === 0) return 'no such process runs';
  signalAll(pids, signal);
  return undefined;
};

/** Nobody restarts a daemon that was started by hand: the drill would end it for good. */
const UNATTENDED = 'nobody starts it again: it is no unit of systemd (`--restarted` says that somebody does)';

/**
 * Takes the daemon's place at the broker for a moment: of two clients with one id the broker keeps the later (MQTT 5, 3.1.4), and so
 * cuts the daemon's connection. It needs no firewall, no privilege, and works with a broker elsewhere.
 */
async function takePlace(broker: BrokerOptions): Promise<string | undefined> {
  return await new Promise((resolve) => {
    let connected = false;
    attempt(broker, 5, undefined, {
      onConnected: (connection) => {
        connected = true;
        void connection.endCleanly(1000);
        resolve(undefined);
      },
      onClosed: ({ reason }) => {
        if (!connected) resolve(`the broker does not take a second connection: ${reason}`);
      },
    });
  });
}

export const EXERCISES: readonly Exercise[] = [
  {
    name: 'camera-lost',
    title: 'every decoder killed: the cameras are gone',
    limitSeconds: 30,
    noticed: true,
    inject: toChildren(false, 'SIGKILL'),
  },
  {
    name: 'image-frozen',
    title: 'every decoder stopped: connections stay, and no new image comes',
    limitSeconds: 60,
    noticed: true,
    inject: toChildren(false, 'SIGSTOP'),
  },
  {
    name: 'inference-killed',
    title: 'inference process killed',
    limitSeconds: 30,
    noticed: true,
    inject: toChildren(true, 'SIGKILL'),
  },
  {
    name: 'inference-hung',
    title: 'inference process stopped',
    limitSeconds: 60,
    noticed: true,
    inject: toChildren(true, 'SIGSTOP'),
  },
  {
    name: 'broker-cut',
    title: 'connection to the broker cut',
    limitSeconds: 60,
    noticed: true,
    inject: ({ broker }) => takePlace(broker),
  },
  {
    name: 'daemon-killed',
    title: 'daemon killed',
    limitSeconds: 60,
    noticed: true,
    inject: async ({ daemon, restarted }) => {
      if (!restarted) return UNATTENDED;
      signalAll([daemon], 'SIGKILL');
      return undefined;
    },
  },
  {
    name: 'agent-killed',
    title: 'update agent killed',
    limitSeconds: 60,
    noticed: false,
    inject: async ({ agent, restarted }) => {
      if (agent === undefined) return 'no agent runs';
      if (!restarted) return UNATTENDED;
      signalAll([agent], 'SIGKILL');
      return undefined;
    },
  },
  {
    name: 'bad-model',
    title: 'a model that answers wrongly, tried and taken back',
    limitSeconds: 0,
    noticed: false,
    inject: async () =>
      'a box tries only what its repository has signed: publish such a package and roll it out to this box',
  },
];
