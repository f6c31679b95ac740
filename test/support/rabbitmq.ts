import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './mosquitto.ts';
import { program } from './requirements.ts';
import { until } from './until.ts';

/** Debian's `rabbitmq-server` on the PATH becomes another user first, who may not read a folder of the test. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';

/** A real RabbitMQ with its MQTT plugin on a loopback port, and with everything it keeps in a folder of the test. */
export class RabbitMq {
  readonly url: string;
  /** For `rabbitmqctl`, which `RABBITMQCTL` names as the one that does not become another user. */
  readonly env: NodeJS.ProcessEnv;
  readonly #child: ChildProcess;
  /** Of the name server that Erlang starts beside it, and leaves behind. */
  readonly #namesPort: number;
  #output = '';

  private constructor(port: number, namesPort: number, child: ChildProcess, env: NodeJS.ProcessEnv) {
    this.env = env;
    this.url = `mqtt://127.0.0.1:${port}`;
    this.#child = child;
    this.#namesPort = namesPort;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
  }

  static async start(folder: string): Promise<RabbitMq> {
    const [mqtt, amqp, names, nodes] = [await freePort(), await freePort(), await freePort(), await freePort()];
    const [configuration, plugins] = [join(folder, 'rabbitmq.conf'), join(folder, 'enabled_plugins')];
    const lines = [
      `listeners.tcp.1 = 127.0.0.1:${amqp}`,
      `mqtt.listeners.tcp.1 = 127.0.0.1:${mqtt}`,
      'mqtt.allow_anonymous = true',
      'log.console = true',
    ];
    await writeFile(configuration, `${lines.join('\n')}\n`);
    await writeFile(plugins, '[rabbitmq_mqtt].\n');
    const env = {
      ...process.env,
      HOME: folder,
      RABBITMQCTL: CONTROL,
      RABBITMQ_NODENAME: `wayside-${mqtt}@localhost`,
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_CONFIG_FILE: configuration,
      RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
      RABBITMQ_PID_FILE: join(folder, 'pid'),
      RABBITMQ_DIST_PORT: String(nodes),
      ERL_EPMD_PORT: String(names),
    };
    const child = spawn(SERVER, { stdio: ['ignore', 'pipe', 'ignore'], env });
    const broker = new RabbitMq(mqtt, names, child, env);
    await until('RabbitMQ to start', () => broker.#output.includes('Server startup complete'), 60_000);
    return broker;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
    const env = { ...process.env, ERL_EPMD_PORT: String(this.#namesPort) };
    await once(spawn(program('epmd') ?? 'epmd', ['-kill'], { stdio: 'ignore', env }), 'exit');
  }
}
