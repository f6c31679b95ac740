import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './until.ts';

const run = promisify(execFile);

const SUITE = 'bookworm';
const PACKAGES = 'systemd,systemd-sysv,dbus,libstdc++6,ca-certificates,procps';

/** How a command inside ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A bare Debian 12, unpacked once: what machines are started over, none of which changes it. */
export async function bareDebian(folder: string): Promise<string> {
  if (!existsSync(join(folder, 'etc/debian_version'))) {
    await mkdir(folder, { recursive: true });
    await run('debootstrap', ['--variant=minbase', `--include=${PACKAGES}`, SUITE, folder], { maxBuffer: 2 ** 26 });
  }
  return folder;
}

/**
 * A Debian with a real systemd as its first process, in namespaces of its own and over an unchanged base. It has the network of
 * this machine: what listens on loopback here is there as well.
 */
export class BootedDebian {
  readonly #folder: string;
  readonly #cgroup: string;
  #machine: ChildProcess | undefined;
  #leader = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#cgroup = `/sys/fs/cgroup/wayside-test-${process.pid}`;
  }

  /**
   * @param base of `bareDebian`
   * @param folder for what the machine changes; the caller removes it
   */
  static async start(base: string, folder: string): Promise<BootedDebian> {
    const debian = new BootedDebian(folder);
    try {
      await debian.#boot(base);
    } catch (cause) {
      await debian.stop();
      throw cause;
    }
    return debian;
  }

  async #boot(base: string): Promise<void> {
    const [upper, work, root] = ['upper', 'work', 'root'].map((name) => join(this.#folder, name));
    for (const each of [upper, work, root]) await mkdir(each ?? '', { recursive: true });
    // In a mount namespace of its own: what it mounts goes with it. Its cgroup must not be one that systemd here manages.
    const script = `
mount -t overlay overlay -o "lowerdir=${base},upperdir=${upper},workdir=${work}" "${root}"
tr -d - < /proc/sys/kernel/random/uuid > "${root}/etc/machine-id"
ln -sf /dev/null "${root}/etc/systemd/system/systemd-firstboot.service"
mountpoint -q /sys/fs/cgroup && [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "${this.#cgroup}"
echo $$ > "${this.#cgroup}/cgroup.procs"
trap 'echo $$ > /sys/fs/cgroup/cgroup.procs; find "${this.#cgroup}" -depth -type d -exec rmdir {} +' EXIT
systemd-nspawn --boot --register=no --keep-unit --notify-ready=no --machine=wayside-${process.pid} \\
  --directory="${root}" --console=pipe`;
    const machine = spawn('unshare', ['--mount', 'bash', '-euc', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#machine = machine;
    let said = '';
    for (const stream of [machine.stdout, machine.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    this.#leader = await until('the first process of the machine', () => {
      if (machine.exitCode !== null) throw new Error(`the machine did not start: ${said}`);
      const container = childrenOf(machine.pid ?? 0, 'systemd-nspawn')[0];
      return container === undefined ? undefined : childrenOf(container, 'systemd')[0];
    });
    await until('systemd to have booted', async () => {
      const { stdout } = await this.run('systemctl is-system-running');
      return ['running', 'degraded'].includes(stdout.trim());
    });
  }

  /** Runs a line of shell as root inside. */
  async run(line: string): Promise<Outcome> {
    const args = ['-t', String(this.#leader), '-m', '-u', '-i', '-n', '-p', '-C', '--', 'sh', '-c', line];
    const environment = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      DEBIAN_FRONTEND: 'noninteractive',
    };
    const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    const [stdout, stderr, [code]] = await Promise.all([
      child.stdout.setEncoding('utf8').toArray(),
      child.stderr.setEncoding('utf8').toArray(),
      once(child, 'close') as Promise<[number]>,
    ]);
    return { code, stdout: stdout.join(''), stderr: stderr.join('') };
  }

  /** As `run`, where it has to succeed. @returns what it printed */
  async do(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line);
    if (code !== 0) throw new Error(`${line}: ended with ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** @param path absolute, inside */
  async write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    await writeFile(`/proc/${this.#leader}/root${path}`, content, { mode });
  }

  async stop(): Promise<void> {
    const machine = this.#machine;
    if (machine !== undefined && machine.exitCode === null && machine.signalCode === null) {
      if (this.#leader > 0)
        process.kill(this.#leader, 'SIGKILL'); // the first process of its namespace: all others go with it
      else machine.kill();
      await once(machine, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Children of a process that run a program of this name. */
function childrenOf(pid: number, name: string): number[] {
  try {
    const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return pids.map(Number).filter((each) => readFileSync(`/proc/${each}/comm`, 'utf8').trim() === name);
  } catch {
    return []; // ended meanwhile
  }
}
