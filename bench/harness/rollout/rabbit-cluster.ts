import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../site/ports.ts';
import { type RunningProgram, startProgram } from '../site/program.ts';

/** Debian's `rabbitmq-server` on the PATH becomes another user first, who may not read a folder of the benchmark. */
const FOLDER = '/usr/lib/rabbitmq/bin';
const START_MS = 180_000;

interface Node {
  readonly name: string;
  readonly mqttPort: number;
  readonly env: Readonly<Record<string, string>>;
  program: RunningProgram | undefined;
}

/** Nodes of RabbitMQ with its MQTT plugin on one machine, joined to a cluster. */
export class RabbitCluster {
  readonly #nodes: readonly Node[];
  readonly #folder: string;
  readonly #namesPort: number;

  private constructor(folder: string, namesPort: number, nodes: readonly Node[]) {
    this.#folder = folder;
    this.#namesPort = namesPort;
    this.#nodes = nodes;
  }

  static async start(folder: string, count: number, signal: AbortSignal): Promise<RabbitCluster> {
    const namesPort = await freePort();
    const nodes: Node[] = [];
    for (let index = 0; index < count; index++) nodes.push(await configured(folder, namesPort, index));
    const cluster = new RabbitCluster(folder, namesPort, nodes);
    try {
      for (const node of nodes) await cluster.#start(node, signal);
      const [first, ...others] = nodes;
      for (const node of others) {
        await cluster.control(node.name, 'stop_app');
        await cluster.control(node.name, 'join_cluster', first?.name ?? '');
        await cluster.control(node.name, 'start_app');
      }
    } catch (cause) {
      await cluster.stop();
      throw cause;
    }
    return cluster;
  }

  get ports(): readonly number[] {
    return this.#nodes.map(({ mqttPort }) => mqttPort);
  }

  async control(node: string, ...args: readonly string[]): Promise<string> {
    const env = { ...process.env, HOME: this.#folder, ERL_EPMD_PORT: String(this.#namesPort) };
    const { stdout } = await promisify(execFile)(join(FOLDER, 'rabbitmqctl'), ['-n', node, ...args], { env });
    return stdout;
  }

  /** As a power cut does: its connections end, what only it held is gone. */
  async kill(index: number): Promise<void> {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error(`the cluster has no node ${index}`);
    // The program is a script around Erlang: killing that alone would leave the node as it is.
    process.kill(Number(await readFile(node.env['RABBITMQ_PID_FILE'] ?? '', 'utf8')), 'SIGKILL');
    await node.program?.ended;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(({ program }) => program?.stop()));
    const env = { ...process.env, ERL_EPMD_PORT: String(this.#namesPort) };
    // Erlang's name server outlives its nodes; it refuses to go while it knows one.
    await promisify(execFile)('epmd', ['-kill'], { env }).catch(() => undefined);
  }

  async #start(node: Node, signal: AbortSignal): Promise<void> {
    node.program = await startProgram(join(FOLDER, 'rabbitmq-server'), [], { cwd: this.#folder, env: node.env });
    const deadline = performance.now() + START_MS;
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.control(node.name, 'await_startup', '--timeout', '5');
        return;
      } catch (cause) {
        if (performance.now() > deadline) throw cause;
        await delay(500);
      }
    }
  }
}

async function configured(folder: string, namesPort: number, index: number): Promise<Node> {
  const own = join(folder, `node-${index}`);
  await mkdir(own, { recursive: true });
  const [mqttPort, amqp, distribution] = [await freePort(), await freePort(), await freePort()];
  const [configuration, plugins] = [join(own, 'rabbitmq.conf'), join(own, 'enabled_plugins')];
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${amqp}`,
    `mqtt.listeners.tcp.1 = 127.0.0.1:${mqttPort}`,
    'mqtt.allow_anonymous = true',
    'log.console.level = error',
  ];
  await writeFile(configuration, `${lines.join('\n')}\n`);
  await writeFile(plugins, '[rabbitmq_mqtt].\n');
  const name = `wayside-${index}-${mqttPort}@localhost`;
  const env = {
    HOME: folder, // one Erlang cookie for all of them
    RABBITMQ_NODENAME: name,
    RABBITMQ_MNESIA_BASE: join(own, 'mnesia'),
    RABBITMQ_LOG_BASE: join(own, 'log'),
    RABBITMQ_CONFIG_FILE: configuration,
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_PID_FILE: join(own, 'pid'),
    RABBITMQ_DIST_PORT: String(distribution),
    ERL_EPMD_PORT: String(namesPort),
  };
  return { name, mqttPort, env, program: undefined };
}
