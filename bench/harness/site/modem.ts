import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../../core/errors.ts';

const run = promisify(execFile);

/**
 * A box that reaches this machine over a modem, made of two network namespaces: box, modem, and the namespace this process is in.
 * What is queued in the modem is out of the box's hands, as it is on a mobile link.
 */
export interface Modem {
  /** Address of this machine, as the box sees it. */
  readonly address: string;
  /** Stands before a command that is to run in the box. */
  readonly inBox: readonly string[];
  /** Both ways: every packet is dropped, without a word to anyone. */
  die(): Promise<void>;
  revive(): Promise<void>;
  /** The box's uplink from now on: bits a second, and how much the modem holds back rather than drops, bytes. */
  thin(bitsPerSecond: number, bufferBytes: number): Promise<void>;
  wide(): Promise<void>;
  /** The same of what comes down to the box, for good. */
  thinDown(bitsPerSecond: number, bufferBytes: number): Promise<void>;
  /** Loses this share of the packets of both ways, for good. */
  lossy(share: number): Promise<void>;
  /** Until `connect`, every packet of a connection is answered by a reset, as by an operator's gateway that forgot it. */
  disconnect(): Promise<void>;
  connect(): Promise<void>;
  /** Bytes that have reached the box, headers and what was sent twice included. */
  bytesDown(): Promise<number>;
  remove(): Promise<void>;
}

async function everything(commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const [program = '', ...args] = command.split(' ');
    await run(program, args);
  }
}

const RESET = '-p tcp -j REJECT --reject-with tcp-reset';

let made = 0;

/** Why no modem can be made here; undefined where one can. */
export async function whyNoModem(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'root on Linux, to make network namespaces';
  try {
    const modem = await makeModem();
    await modem.thin(16_000, 10_000);
    await modem.die();
    await modem.remove();
    return undefined;
  } catch (thrown) {
    return `network namespaces, iptables and tbf (${messageOf(thrown).split('\n')[1] ?? messageOf(thrown)})`;
  }
}

/** Addresses of 10.64.0.0/10 by process, so that several can run beside each other. */
export async function makeModem(): Promise<Modem> {
  const number = (process.pid * 8 + (made++ % 8)) % 2 ** 18;
  const net = (host: number): string => {
    const at = 64 * 2 ** 16 + number * 8 + host;
    return `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
  };
  const [box, modem] = [`wayside-box-${number}`, `wayside-modem-${number}`];
  const [here, there] = [`wm${number}h`, `wm${number}m`];
  const inModem = `ip netns exec ${modem}`;
  const remove = async (): Promise<void> => {
    for (const name of [box, modem]) await run('ip', ['netns', 'del', name]).catch(() => undefined); // not made yet
  };
  try {
    await everything([
      `ip netns add ${box}`,
      `ip netns add ${modem}`,
      `ip link add ${here} type veth peer name ${there}`,
      `ip link set ${there} netns ${modem}`,
      `${inModem} ip link add inner type veth peer name eth0 netns ${box}`,
      `ip addr add ${net(1)}/30 dev ${here}`,
      `ip link set ${here} up`,
      `${inModem} ip addr add ${net(2)}/30 dev ${there}`,
      `${inModem} ip addr add ${net(5)}/30 dev inner`,
      `${inModem} ip link set ${there} up`,
      `${inModem} ip link set inner up`,
      `${inModem} sysctl -qw net.ipv4.ip_forward=1`,
      `ip netns exec ${box} ip addr add ${net(6)}/30 dev eth0`,
      `ip netns exec ${box} ip link set eth0 up`,
      `ip netns exec ${box} ip link set lo up`,
      `ip netns exec ${box} ip route add default via ${net(5)}`,
      `ip route add ${net(4)}/30 via ${net(2)}`,
    ]);
  } catch (thrown) {
    await remove();
    throw thrown;
  }
  return {
    address: net(1),
    inBox: ['ip', 'netns', 'exec', box],
    die: () => everything([`${inModem} iptables -I FORWARD -j DROP`]),
    revive: () => everything([`${inModem} iptables -D FORWARD -j DROP`]),
    thin: (bitsPerSecond, bufferBytes) =>
      everything([
        `${inModem} tc qdisc add dev ${there} root tbf rate ${bitsPerSecond}bit burst 1600 limit ${bufferBytes}`,
      ]),
    thinDown: (bitsPerSecond, bufferBytes) =>
      everything([
        `${inModem} tc qdisc add dev inner root tbf rate ${bitsPerSecond}bit burst 1600 limit ${bufferBytes}`,
      ]),
    lossy: (share) =>
      everything([`${inModem} iptables -A FORWARD -m statistic --mode random --probability ${share} -j DROP`]),
    disconnect: () => everything([`${inModem} iptables -I FORWARD ${RESET}`]),
    connect: () => everything([`${inModem} iptables -D FORWARD ${RESET}`]),
    bytesDown: async () => {
      const counter = '/sys/class/net/eth0/statistics/rx_bytes';
      return Number((await run('ip', ['netns', 'exec', box, 'cat', counter])).stdout);
    },
    wide: () => everything([`${inModem} tc qdisc del dev ${there} root`]),
    remove,
  };
}
