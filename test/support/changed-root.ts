import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What installing programs in an overlay of this machine takes. */
export const CHANGED_ROOT_NEEDS = [
  { name: 'root', met: process.getuid?.() === 0, hint: 'mounts of its own' },
  'unshare',
  'chroot',
] as const;

/** This machine's files, with changes that only this object sees: what installs itself can be tried on it. */
export class ChangedRoot {
  readonly #folder: string;

  /** @param folder for what changes, on a disk; the caller removes it */
  constructor(folder: string) {
    this.#folder = folder;
    for (const part of ['upper', 'work', 'root']) mkdirSync(join(folder, part), { recursive: true });
  }

  /** @param path absolute, inside */
  write(path: string, content: string | Uint8Array): void {
    const file = join(this.#folder, 'upper', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** Runs a line of shell as root inside; nothing is mounted afterwards. */
  run(line: string): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
    const [upper, work, root] = ['upper', 'work', 'root'].map((part) => join(this.#folder, part));
    const script = `
mount -t overlay overlay -o "lowerdir=/,upperdir=${upper},workdir=${work}" "${root}"
mount -t proc proc "${root}/proc"
mount --bind /dev "${root}/dev"
exec chroot "${root}" sh -c "$0"`;
    const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'bash', '-euc', script, line], {
      encoding: 'utf8',
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    });
    return { code: status, stdout, stderr };
  }
}
