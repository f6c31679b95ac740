import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';

/** One bash in a folder, as a reader of the documents has one: what a block sets or starts is there for the next. */
export class Shell {
  readonly #child;
  #output = '';
  #wake = (): void => {};

  private constructor(folder: string, bin: string, env: Readonly<Record<string, string>>) {
    this.#child = spawn('bash', ['--noprofile', '--norc', '-euo', 'pipefail'], {
      cwd: folder,
      // Its own group: what it started in the background ends with it.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, WAYSIDE_PROGRESS: 'off', ...env, PATH: `${bin}${delimiter}${process.env['PATH']}` },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#wake();
      });
    }
    this.#child.on('close', () => this.#wake());
  }

  /** @param bin folder for the `wayside` that the blocks call */
  static async start(folder: string, bin: string, env: Readonly<Record<string, string>> = {}): Promise<Shell> {
    await mkdir(bin, { recursive: true });
    const script = `#!/bin/sh\nexec "${process.execPath}" "${join(PACKAGE_ROOT, 'bin', 'wayside.js')}" "$@"\n`;
    await writeFile(join(bin, 'wayside'), script, { mode: 0o755 });
    return new Shell(folder, bin, env);
  }

  /** Runs a block to its end; what it printed. Throws where any of its commands fails. */
  async run(block: string): Promise<string> {
    this.#output = '';
    this.#child.stdin.write(`${block}\necho "@@ done"\n`);
    while (!this.#output.includes('@@ done\n')) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`failed:\n${block}\n\n${this.#output}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#output.replace('@@ done\n', '');
  }

  async stop(): Promise<void> {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGTERM');
    } catch {
      return; // all of them have ended
    }
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }
}
