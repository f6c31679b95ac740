import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { attempt, type BrokerOptions } from '../../contract/mqtt/attempt.ts';
import { HOLD_IMAGES_SIGNAL } from '../camera/held-image.ts';
import { descendantsOf } from '../telemetry/descendants.ts';
import { type Offered, offerBadModel, type RunningModel } from './bad-model.ts';

/** What an exercise has to work with. */
export interface Scene extends RunningModel {
  /** Of the daemon, as it runs now. */
  readonly daemon: number;
  /** Of the agent; undefined where none runs. */
  readonly agent: number | undefined;
  /** As the daemon connects, its client id included. */
  readonly broker: BrokerOptions;
  /** Whether somebody starts daemon and agent again. */
  readonly restarted: boolean;
}

interface Named {
  readonly name: string;
  readonly title: string;
  /** Within which every camera has to detect again, s. */
  readonly limitSeconds: number;
}

/** One thing that goes wrong. */
export interface Disturbance extends Named {
  /** Whether the box itself says that it is not well meanwhile; the agent's end it does not notice. */
  readonly noticed: boolean;
  /** @returns why it cannot be done here; undefined once it is done */
  inject(scene: Scene): Promise<string | undefined>;
  /** Lets it end, once it was noticed or not noticed in time: it does not by itself. */
  release?(scene: Scene): void;
}

/** Something that the box has to refuse while it goes on as it was. */
export interface Offer extends Named {
  offer(scene: Scene, signal: AbortSignal): Promise<Offered>;
}

export type Exercise = Disturbance | Offer;

const INFERENCE = 'daemon/inference/process';

const commandOf = async (pid: number): Promise<readonly string[]> =>
  (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1);

async function childrenOf(daemon: number, inference: boolean): Promise<number[]> {
  const found: number[] = [];
  for (const pid of descendantsOf(daemon)) {
    const command = await commandOf(pid);
    if (command.length > 0 && command.some((word) => word.includes(INFERENCE)) === inference) found.push(pid);
  }
  return found;
}

/** Folder of the package that an inference process of the daemon was given. */
export async function runningPackage(daemon: number): Promise<string | undefined> {
  for (const pid of await childrenOf(daemon, true)) {
    const command = await commandOf(pid);
    const folder = command[command.findIndex((word) => word.includes(INFERENCE)) + 1];
    if (folder !== undefined) return folder;
  }
  return undefined;
}

/** Whether a process catches a signal: what does not is ended by it. */
async function catches(pid: number, signal: NodeJS.Signals): Promise<boolean> {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1];
  return caught !== undefined && ((BigInt(`0x${caught}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
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
    name: 'decoder-hung',
    title: 'every decoder stopped: connections stay, and no frame comes',
    limitSeconds: 60,
    noticed: true,
    inject: toChildren(false, 'SIGSTOP'),
  },
  {
    name: 'image-frozen',
    title: 'every image is the same: frames come, and none brings anything new',
    // Two keyframes and 20 s where they are rare, 120 s where a decoder tells of none (`camera/view/frozen.ts`).
    limitSeconds: 160,
    noticed: true,
    inject: async ({ daemon }) => {
      if (!(await catches(daemon, HOLD_IMAGES_SIGNAL))) return 'the daemon is of an older version: restart it';
      process.kill(daemon, HOLD_IMAGES_SIGNAL);
      return undefined;
    },
    release: ({ daemon }) => signalAll([daemon], HOLD_IMAGES_SIGNAL),
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
    title: 'the running package with other golden samples, offered: has to be refused while the model goes on',
    limitSeconds: 60,
    offer: offerBadModel,
  },
];
