import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** It takes 0.5 to 2.4 s on an idle machine. */
const BOOT_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 20;
/** Of the largest file that an own disk can become. */
const DISK_BYTES = 2 ** 32;
const SUITE = 'bookworm';
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'libstdc++6', 'ca-certificates', 'procps'];

/** How a command inside ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A bare Debian 12, unpacked once: what machines are started over, none of which changes it. @param more packages */
export async function bareDebian(folder: string, more: readonly string[] = []): Promise<string> {
  if (!existsSync(folder)) {
    const unfinished = `${folder}.unfinished`; // an interrupted debootstrap looks like one that is done
    await rm(unfinished, { recursive: true, force: true });
    await run(
      'debootstrap',
      ['--variant=minbase', `--include=${[...PACKAGES, ...more].join(',')}`, SUITE, unfinished],
      { maxBuffer: 2 ** 26 },
    );
    await rename(unfinished, folder);
  }
  return folder;
}

/**
 * A Debian with a real systemd as its first process, in namespaces of its own and over an unchanged base. It has the network of
 * this machine: what listens on loopback here is there as well.
 */
export class BootedDebian {
  readonly #base: string;
  readonly #folder: string;
  readonly #cgroup: string;
  /** Where what it writes lies while it runs. */
  readonly #disk: string;
  /** Image of a file system of its own, in place of a folder of this machine's. */
  readonly #image: string | undefined;
  #machine: ChildProcess | undefined;
  #leader = 0;

  private constructor(base: string, folder: string, ownDisk: boolean) {
    this.#base = base;
    this.#folder = folder;
    this.#disk = join(folder, 'disk');
    this.#image = ownDisk ? join(folder, 'disk.img') : undefined;
    this.#cgroup = `/sys/fs/cgroup/wayside-test-${process.pid}`;
  }

  /**
   * @param base of `bareDebian`
   * @param folder for what the machine changes; the caller removes it
   * @param ownDisk what it writes goes to an ext4 of its own, which can fail
   */
  static async start(base: string, folder: string, { ownDisk = false } = {}): Promise<BootedDebian> {
    const debian = new BootedDebian(base, folder, ownDisk);
    try {
      await mkdir(debian.#disk, { recursive: true });
      if (debian.#image !== undefined) {
        await writeFile(debian.#image, '');
        await truncate(debian.#image, DISK_BYTES); // sparse
        await run('mkfs.ext4', ['-q', '-F', debian.#image]);
      }
      await debian.boot();
    } catch (cause) {
      await debian.stop();
      throw cause;
    }
    return debian;
  }

  /** Boots anew what was powered off; it finds what it had written. */
  async boot({ readOnly = false } = {}): Promise<void> {
    const [upper, work, root] = [join(this.#disk, 'upper'), join(this.#disk, 'work'), join(this.#folder, 'root')];
    // In a mount namespace of its own: what it mounts goes with it. Its cgroup must not be one that systemd here manages.
    const script = `
${this.#mountDisk()}
mkdir -p "${upper}" "${work}" "${root}"
mount -t overlay overlay -o "lowerdir=${this.#base},upperdir=${upper},workdir=${work}" "${root}"
[ -e "${upper}/etc/machine-id" ] || tr -d - < /proc/sys/kernel/random/uuid > "${root}/etc/machine-id"
ln -sf /dev/null "${root}/etc/systemd/system/systemd-firstboot.service"
mountpoint -q /sys/fs/cgroup && [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "${this.#cgroup}"
echo $$ > "${this.#cgroup}/cgroup.procs"
trap 'echo $$ > /sys/fs/cgroup/cgroup.procs; find "${this.#cgroup}" -depth -type d -exec rmdir {} +' EXIT
systemd-nspawn --boot --register=no --keep-unit --notify-ready=no --machine=wayside-${process.pid} \\
  --directory="${root}" --console=pipe ${readOnly ? '--read-only' : ''}`;
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
      return ['running', 'degraded'].includes(stdout.trim()) || undefined;
    });
  }

  /** Processor time of all that has run inside since it was booted, s. */
  async cpuSeconds(): Promise<number> {
    const [, microseconds] =
      /^usage_usec (\d+)$/m.exec(await readFile(`/proc/${this.#machine?.pid}/root${this.#cgroup}/cpu.stat`, 'utf8')) ??
      [];
    return Number(microseconds) / 1e6;
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

  #mountDisk(): string {
    return this.#image === undefined ? '' : `mount -o loop,errors=remount-ro "${this.#image}" "${this.#disk}"`;
  }

  /** Runs a line of shell while the machine is off, in the folder that has all that it changed: `etc/wayside` of its root, if it did. */
  async offline(line: string): Promise<void> {
    await run('unshare', ['--mount', 'bash', '-euc', `${this.#mountDisk()}\ncd "${this.#disk}/upper"\n${line}`]);
  }

  /**
   * An error of its own disk, as the kernel finds one (`trigger_fs_error` of ext4): the file system can only be read from now on, also by
   * what had opened a file to write. A remount by hand would wait for these.
   */
  async failDisk(): Promise<void> {
    const mounts = await readFile(`/proc/${this.#machine?.pid}/mountinfo`, 'utf8');
    const line = mounts.split('\n').find((each) => each.split(' ')[4] === this.#disk);
    const device = / - ext4 \/dev\/(loop\d+) /.exec(line ?? '')?.[1];
    if (device === undefined) throw new Error('the machine has no disk of its own');
    await writeFile(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
  }

  /** Checks and mends its own disk, while it is off. */
  async repairDisk(): Promise<void> {
    await run('e2fsck', ['-f', '-y', this.#image ?? '']).catch((thrown: { code?: unknown }) => {
      if (thrown.code !== 1) throw thrown; // e2fsck(8): 1 is "errors corrected"
    });
  }

  /** Ends all processes in order, as `systemctl poweroff` does. */
  async powerOff(): Promise<void> {
    await this.do('systemctl poweroff');
    await this.#ended();
  }

  /** Ends all processes at once. */
  async cutPower(): Promise<void> {
    process.kill(this.#leader, 'SIGKILL'); // the first process of its namespace: all others go with it
    await this.#ended();
  }

  async #ended(): Promise<void> {
    const machine = this.#machine;
    if (machine !== undefined && machine.exitCode === null && machine.signalCode === null) await once(machine, 'exit');
    this.#leader = 0;
  }

  async stop(): Promise<void> {
    if (this.#leader > 0) await this.cutPower();
    else this.#machine?.kill();
    await this.#ended();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Looks until something is there; fails with what was waited for. */
async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + BOOT_TIMEOUT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${BOOT_TIMEOUT_MS / 1000} s in vain for ${what}`);
    await delay(LOOK_EVERY_MS);
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
