import { askModule } from '../../core/child.ts';
import { WaysideError } from '../../core/errors.ts';
import type { ProbeAnswers, ProbeQuestions } from './process.ts';
import { type SystemUser, systemUser } from './user.ts';

/** What a child needs of our environment; our secrets may be in the rest. */
const INHERITED = ['PATH', 'LANG', 'TZ', 'LD_LIBRARY_PATH', 'http_proxy', 'https_proxy', 'no_proxy', 'SSL_CERT_FILE'];

/**
 * Talks to cameras and brokers in a process of its own: what they answer is foreign, and root does not read it. Secrets go there over a
 * channel, not in arguments.
 */
export class Prober {
  /** Undefined: as whoever runs this. */
  readonly user: SystemUser | undefined;

  constructor(user: SystemUser | undefined) {
    this.user = user;
  }

  /** What is to be known of whom it asks as. */
  get remarks(): readonly string[] {
    const asRoot = this.user === undefined && process.getuid?.() === 0;
    return asRoot ? ['cameras and broker were asked by root: there is no user `wayside` here'] : [];
  }

  /** As the user of the daemon where this is root and there is one, else as whoever runs this. */
  static async create(name = 'wayside'): Promise<Prober> {
    return new Prober(process.getuid?.() === 0 ? await systemUser(name) : undefined);
  }

  /** @throws {WaysideError} what the probe of that kind throws; INTERNAL when its process ends by itself */
  async ask<K extends keyof ProbeQuestions>(
    kind: K,
    question: ProbeQuestions[K],
    signal?: AbortSignal,
  ): Promise<ProbeAnswers[K]> {
    const environment = Object.fromEntries(INHERITED.map((name) => [name, process.env[name]]));
    return await askModule<{ readonly kind: K } & ProbeQuestions[K], ProbeAnswers[K]>(
      'daemon/probe/process',
      { kind, ...question },
      {
        lost: (how) => new WaysideError('INTERNAL', { message: `the process that probes ${how}` }),
        bareEnv: environment,
        user: this.user,
        signal,
      },
    );
  }
}
