import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { writeColourPackage } from './colour-package.ts';

/** The files of a box that a daemon, its agent and the kernel keep, below a folder: all is well there. */
export class BoxRoot {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<BoxRoot> {
    const box = new BoxRoot(await mkdtemp(join(tmpdir(), 'wayside-box-')));
    for (const [path, text] of Object.entries(KERNEL)) await box.write(path, text);
    await box.write('usr/lib/systemd/system/wayside.service', '[Service]\nWatchdogSec=30\n');
    await box.write('usr/lib/systemd/system/wayside-agent.service', '[Service]\nWatchdogSec=60\n');
    for (const unit of ['wayside', 'wayside-agent']) await box.enable(`${unit}.service`);
    await mkdir(box.path('run/systemd/system'), { recursive: true });
    await mkdir(box.path('var/lib/wayside'), { recursive: true, mode: 0o750 });
    await box.program('systemctl', systemctl('active', 0));
    await box.write('etc/wayside/secrets/mqtt', 'word\n', 0o600);
    await writeColourPackage(box.path('var/lib/models/factory/colours'));
    await box.configure();
    await box.configureAgent();
    return box;
  }

  path(below: string): string {
    return join(this.folder, below);
  }

  get config(): string {
    return this.path('etc/wayside/wayside.yaml');
  }

  get agentConfig(): string {
    return this.path('etc/wayside/agent.yaml');
  }

  /** Programs of this box come first. */
  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, PATH: `${this.path('bin')}:${process.env['PATH']}` };
  }

  async write(below: string, text: string, mode = 0o644): Promise<string> {
    const path = this.path(below);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, text);
    await chmod(path, mode);
    return path;
  }

  async program(name: string, script: string): Promise<string> {
    return await this.write(`bin/${name}`, `#!/bin/sh\n${script}`, 0o755);
  }

  async enable(unit: string): Promise<void> {
    const wants = this.path('etc/systemd/system/multi-user.target.wants');
    await mkdir(wants, { recursive: true });
    await symlink(`/usr/lib/systemd/system/${unit}`, join(wants, unit));
  }

  /** Writes the configuration of the daemon, with some of its top levels replaced. */
  async configure(change: object = {}): Promise<void> {
    const config = {
      site: 'depot',
      box: 'one',
      mqtt: { url: 'mqtt://127.0.0.1:1', username: 'one', passwordFile: 'secrets/mqtt' },
      model: { store: this.path('var/lib/models'), name: 'colours' },
      agent: { socket: 'agent.sock' },
      cameras: [{ id: 'north', url: 'rtsp://127.0.0.1:1/camera' }],
      ...change,
    };
    await this.write('etc/wayside/wayside.yaml', stringify(config));
  }

  async configureAgent(change: object = {}): Promise<void> {
    const config = {
      site: 'depot',
      box: 'one',
      model: 'colours',
      store: this.path('var/lib/models'),
      socket: 'agent.sock',
      repository: { url: 'http://127.0.0.1:1/', root: 'root.json' },
      mqtt: { url: 'mqtt://127.0.0.1:1' },
      ...change,
    };
    await this.write('etc/wayside/agent.yaml', stringify(config));
  }

  /** A daemon in the process list. */
  async runs(startedAt: number, limit = 8192): Promise<void> {
    const boot = Math.floor(startedAt / 1000) - 100;
    await this.write('proc/stat', `cpu 1 2 3\nbtime ${boot}\n`);
    await this.write('proc/4242/cmdline', '/usr/lib/wayside/node\0/usr/bin/wayside\0daemon\0--wait\0');
    const fields = Array.from({ length: 50 }, (_, index) => (index === 19 ? 100 * 100 : 0));
    await this.write('proc/4242/stat', `4242 (node (main)) ${fields.join(' ')}\n`);
    await this.write('proc/4242/limits', `Limit Soft Hard Units\nMax open files            ${limit}  ${limit} files\n`);
  }
}

/** What `systemctl show` and `systemctl --version` print. */
export const systemctl = (state: string, restarts: number, version = 252): string =>
  `case "$1" in --version) echo "systemd ${version} (${version}.1)";; *) printf 'ActiveState=${state}\\nNRestarts=${restarts}\\n';; esac\n`;

const KERNEL = {
  'proc/meminfo': 'MemTotal:        4000000 kB\nMemAvailable:    2000000 kB\n',
  'proc/vmstat': 'nr_free_pages 1000\noom_kill 0\n',
  'proc/mounts': '/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n',
  'sys/class/thermal/thermal_zone0/type': 'cpu-thermal\n',
  'sys/class/thermal/thermal_zone0/temp': '51000\n',
  'sys/devices/platform/soc/soc:firmware/get_throttled': '0\n',
  'sys/class/block/mmcblk0/device/life_time': '0x01 0x02\n',
  'sys/class/block/mmcblk0/device/pre_eol_info': '0x01\n',
} as const;
