import { createInterface } from 'node:readline';
import { formatError, WaysideError } from '../../core/errors.ts';
import { askUnseen } from '../secret-input.ts';

/** Asks a person, line by line: it works over any SSH. Talk goes to stderr. */
export class Prompter {
  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Says what went wrong, where it can be tried again; throws what cannot. */
  failed(thrown: unknown): void {
    if (!(thrown instanceof WaysideError) || thrown.code === 'INTERRUPTED') throw thrown;
    this.say(`  ${formatError(thrown).replaceAll('\n', '\n  ')}`);
  }

  /**
   * @param fallback what an empty line means; without it, the question is asked again
   * @param problem what is wrong with an answer, if anything: it is said, and the question asked again
   */
  async ask(
    question: string,
    fallback?: string,
    problem: (answer: string) => string | undefined = () => undefined,
  ): Promise<string> {
    for (;;) {
      const shown = fallback === undefined || fallback === '' ? '' : ` [${fallback}]`;
      const answer = (await this.#line(`${question}${shown}: `)).trim() || fallback;
      if (answer === undefined) continue;
      const wrong = answer === '' ? undefined : problem(answer);
      if (wrong === undefined) return answer;
      this.say(`  ${wrong}`);
    }
  }

  async secret(question: string): Promise<string> {
    for (;;) {
      const answer = await askUnseen(`${question} (not shown): `);
      if (answer === undefined) throw ended();
      if (answer !== '') return answer;
    }
  }

  async agrees(question: string, fallback: boolean): Promise<boolean> {
    const answer = await this.ask(`${question} (y/n)`, fallback ? 'y' : 'n', (text) =>
      /^(y|yes|n|no)$/i.test(text) ? undefined : 'y or n',
    );
    return /^y/i.test(answer);
  }

  async #line(prompt: string): Promise<string> {
    const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
    try {
      return await new Promise<string>((resolve, reject) => {
        lines.once('SIGINT', () => reject(ended()));
        lines.once('close', () => reject(ended()));
        lines.question(prompt, resolve);
      });
    } finally {
      lines.close();
    }
  }
}

const ended = (): WaysideError => new WaysideError('INTERRUPTED', { message: 'stopped before all was answered' });
