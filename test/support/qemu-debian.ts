import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bareDebian, type Outcome } from '../../bench/harness/boot/booted-debian.ts';

const run = promisify(execFile);

const KERNEL = 'linux-image-cloud-amd64';
const PACKAGES = ['mosquitto', 'mosquitto-clients', 'systemd-timesyncd'];
/** The root lies in memory, beside the archive that it comes from, and each takes half a gigabyte. */
const MEMORY_MB = 3072;
/** Emulated throughout: KVM in a virtual machine may be offered and not work. A boot takes 50 s of processor time. */
const BOOT_MS = 1_200_000;
/**
 * One instruction, one nanosecond of the machine's own clock (`-icount`): inside, it is as fast as a small board, however slowly it is
 * emulated, so that the time limits of the units and of the daemon hold there as they do on a box. By the clock of this machine, where the
 * same start took 47 s in place of 3, they would tell of its load.
 */
const PACE = ['-accel', 'tcg', '-icount', 'shift=0', '-smp', '1'];
/** Of what is typed: the serial line has no other way to tell where an answer ends. */
const MARK = 'WAYSIDE-DONE';

/** A shell on the second serial line, for root. */
const SHELL = `[Unit]
Description=commands of the test
After=multi-user.target
[Service]
ExecStartPre=/bin/stty -F /dev/ttyS1 raw -echo
ExecStart=/bin/sh -c 'exec /bin/sh < /dev/ttyS1 > /dev/ttyS1 2>&1'
Environment=LC_ALL=C
[Install]
WantedBy=multi-user.target
`;

/** The kernel of Debian 12 for machines that are emulated. */
async function kernel(): Promise<string> {
  const folder = join(tmpdir(), 'wayside-kernel');
  if (!existsSync(folder)) {
    const unfinished = `${folder}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    const { stdout } = await run('apt-cache', ['depends', '--important', KERNEL]);
    const image = /Depends: (linux-image-\S+)/.exec(stdout)?.[1];
    if (image === undefined) throw new Error(`apt knows no ${KERNEL}`);
    await run('apt-get', ['download', image], { cwd: unfinished });
    for (const name of await readdir(unfinished))
      await run('dpkg-deb', ['--extract', join(unfinished, name), unfinished]);
    await rename(unfinished, folder);
  }
  const name = (await readdir(join(folder, 'boot'))).find((each) => each.startsWith('vmlinuz-'));
  if (name === undefined) throw new Error(`no kernel in ${folder}`);
  return join(folder, 'boot', name);
}

/** A Debian 12 with a kernel of its own, in an emulated machine without a network, whose clock and memory are its own. */
export class QemuDebian {
  readonly #machine: ChildProcessWithoutNullStreams;
  #heard = '';

  private constructor(machine: ChildProcessWithoutNullStreams) {
    this.#machine = machine;
    machine.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#heard += text;
    });
  }

  /**
   * @param folder for its files; the caller removes it
   * @param deb file of a package that is installed in it
   * @param clock what its battery-backed clock says at first: `1970-01-01T00:00:00`
   */
  static async start(folder: string, deb: string, clock: string): Promise<QemuDebian> {
    const base = await bareDebian(join(tmpdir(), 'wayside-bookworm-vm'), PACKAGES);
    const archive = join(folder, 'root.cpio');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'shell.service'), SHELL);
    // In a mount namespace of its own: what it mounts goes with it.
    const script = `
mkdir -p upper work root
mount -t overlay overlay -o "lowerdir=${base},upperdir=upper,workdir=work" root
mount -t proc proc root/proc
cp "${deb}" root/root/wayside.deb
chroot root dpkg --install /root/wayside.deb
rm root/root/wayside.deb root/var/cache/apt/archives/*.deb 2>/dev/null || true
cp shell.service root/etc/systemd/system/shell.service
chroot root systemctl enable shell mosquitto systemd-timesyncd
ln -sf /dev/null root/etc/systemd/system/systemd-firstboot.service
tr -d - < /proc/sys/kernel/random/uuid > root/etc/machine-id
umount root/proc
cd root
find . -xdev -print0 | cpio --quiet --null --create --format=newc > ../root.cpio`;
    const packing = spawn('unshare', ['--mount', 'bash', '-euc', script], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    packing.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [code] = (await once(packing, 'close')) as [number];
    if (code !== 0) throw new Error(`no root for the machine: ${said}`);
    const args = [
      ...['-machine', 'q35', ...PACE, '-cpu', 'max', '-m', `${MEMORY_MB}`],
      ...['-display', 'none', '-no-reboot', '-nic', 'none', '-rtc', `base=${clock},clock=vm`],
      ...['-serial', `file:${join(folder, 'console.log')}`, '-serial', 'stdio', '-monitor', 'none'],
      ...['-kernel', await kernel(), '-initrd', archive],
      ...['-append', 'console=ttyS0 rdinit=/lib/systemd/systemd panic=-1 systemd.show_status=false'],
    ];
    const debian = new QemuDebian(spawn('qemu-system-x86_64', args));
    try {
      await debian.#booted();
    } catch (cause) {
      await debian.stop();
      throw cause;
    }
    return debian;
  }

  async #booted(): Promise<void> {
    const deadline = performance.now() + BOOT_MS;
    const typing = setInterval(() => this.#machine.stdin.write(`echo ${MARK}\n`), 500); // until the shell reads
    try {
      await this.#until(() => this.#heard.includes(MARK), deadline);
    } finally {
      clearInterval(typing);
    }
    const { stdout } = await this.run('systemctl is-system-running --wait');
    if (!['running', 'degraded'].includes(stdout.trim())) throw new Error(`the machine did not boot: ${stdout}`);
  }

  async #until(condition: () => boolean, deadline: number): Promise<void> {
    while (!condition()) {
      if (this.#machine.exitCode !== null) throw new Error('the machine has ended');
      if (performance.now() > deadline) throw new Error(`the machine does not answer: ${this.#heard.slice(-500)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Runs a line of shell as root inside. */
  async run(line: string, withinMs = 900_000): Promise<Outcome> {
    const id = `${MARK}-${Math.random().toString(36).slice(2)}`;
    const encoded = Buffer.from(line).toString('base64');
    this.#machine.stdin.write(
      `echo ${encoded} | base64 -d > /tmp/line; sh /tmp/line > /tmp/out 2> /tmp/err < /dev/null; code=$?; echo; echo ${id} $code $(base64 -w0 /tmp/out).$(base64 -w0 /tmp/err).\n`,
    );
    const answer = new RegExp(`${id} (\\d+) ([\\w+/=]*)\\.([\\w+/=]*)\\.`);
    await this.#until(() => answer.test(this.#heard), performance.now() + withinMs);
    const [, code, stdout = '', stderr = ''] = answer.exec(this.#heard) ?? [];
    this.#heard = '';
    const text = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
    return { code: Number(code), stdout: text(stdout), stderr: text(stderr) };
  }

  /** As `run`, where it has to succeed. @returns what it printed */
  async do(line: string, withinMs?: number): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, withinMs);
    if (code !== 0) throw new Error(`${line}: ended with ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  async stop(): Promise<void> {
    if (this.#machine.exitCode !== null || this.#machine.signalCode !== null) return;
    this.#machine.kill('SIGKILL');
    await once(this.#machine, 'exit');
  }
}
