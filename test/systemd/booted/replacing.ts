import { expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { BootedBox, type Box } from './box.ts';

/** Of the units: `WatchdogSec=`. */
const WATCHDOG_MS = { wayside: 30_000, 'wayside-agent': 60_000 };
/** A look takes so long where the machine is busy. */
const LOOK_MS = 2000;

/**
 * Blocks the event loop of a process, as a loop without end does: through the inspector, which any Node opens at SIGUSR1 where its port is
 * free: the machine shares the loopback of the one it runs on. Ends once the process itself has told which it is, however long that takes
 * on a busy machine, and was sent into the loop.
 */
const BLOCK = `
import { setTimeout as delay } from 'node:timers/promises';
const pid = Number(process.argv[2]);
const ask = (socket, expression) => {
  const answered = new Promise((resolve, reject) => {
    socket.addEventListener('message', ({ data }) => resolve(JSON.parse(data)), { once: true });
    socket.addEventListener('close', () => reject(new Error('closed')), { once: true });
  });
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
  return answered;
};
const opened = (url) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => resolve(socket), { once: true });
    socket.addEventListener('error', () => reject(new Error('not opened')), { once: true });
  });
const itself = async () => {
  const [target] = await (await fetch('http://127.0.0.1:9229/json/list')).json();
  const socket = await opened(target.webSocketDebuggerUrl);
  if ((await ask(socket, 'process.pid')).result.result.value === pid) return socket;
  socket.close();
};
let socket;
while (socket === undefined) {
  process.kill(pid, 'SIGUSR1'); // throws when it has ended
  socket = await itself().catch(() => undefined);
  if (socket === undefined) await delay(20);
}
const blocked = await Promise.race([ask(socket, 'for (;;);').then(() => false), delay(1000, true)]);
process.exit(blocked ? 0 : 1);
`;

const PROCESSES = {
  supervisor: 'systemctl show wayside --property=MainPID --value',
  decoder: `pgrep --newest --full '^/usr/lib/wayside/bin/node ${BootedBox.decoder}'`,
  'inference process': "pgrep --newest --full '^/usr/lib/wayside/bin/node .*daemon/inference/process'",
  agent: 'systemctl show wayside-agent --property=MainPID --value',
};
type Role = keyof typeof PROCESSES;

/** What may happen to each process of a box, and that another takes its place within the time of the watchdog. */
export function replacing(box: Box): void {
  const pidOf = async (role: Role): Promise<number> => Number((await box().debian.run(PROCESSES[role])).stdout);
  const faults = {
    'kill -9': (pid: number) => `kill -9 ${pid}`,
    SIGSTOP: (pid: number) => `kill -STOP ${pid}`,
    'a blocked event loop': (pid: number) => `/usr/lib/wayside/bin/node /root/block.mjs ${pid}`,
  };

  /** @returns how long it was there after the fault, ms */
  async function replaced(role: Role, fault: keyof typeof faults): Promise<number> {
    const { debian } = box();
    const pid = await until(`the ${role}`, async () => (await pidOf(role)) || undefined);
    await debian.do(faults[fault](pid));
    const since = performance.now();
    const watched = WATCHDOG_MS[role === 'agent' ? 'wayside-agent' : 'wayside'];
    await until(
      `the ${role} to be gone after ${fault}`,
      async () => (await debian.run(`kill -0 ${pid}`)).code !== 0,
      watched + LOOK_MS,
    );
    const gone = performance.now() - since;
    await until(`another ${role}`, async () => ![pid, 0].includes(await pidOf(role)), 30_000);
    if (role !== 'agent') await box().analyses();
    return gone;
  }

  it.each(Object.keys(faults) as (keyof typeof faults)[])('replaces every process after %s', async (fault) => {
    await box().debian.write('/root/block.mjs', BLOCK);
    // The inspector has one port: what is blocked is blocked one after the other, what is stopped waits side by side.
    const agent = async (): Promise<number> => await replaced('agent', fault);
    const beside = fault === 'SIGSTOP' ? agent() : undefined;
    const gone: Record<string, number> = {};
    for (const role of ['decoder', 'inference process', 'supervisor'] as const)
      gone[role] = await replaced(role, fault);
    gone['agent'] = await (beside ?? agent());
    if (fault === 'kill -9') for (const ms of Object.values(gone)) expect(ms).toBeLessThan(LOOK_MS);
    await until('both units to be active', async () => {
      const { code } = await box().debian.run('systemctl is-active wayside wayside-agent');
      return code === 0;
    });
  });
}
