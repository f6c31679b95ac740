import { createClockReader } from '../../contract/clock.ts';
import type { Clock } from '../../contract/messages/envelope.ts';
import { asWaysideError } from '../../core/errors.ts';
import { VERSION } from '../../core/layout.ts';
import { createLog } from '../../core/log.ts';
import { agentSchema } from '../../deploy/agent/config/schema.ts';
import { configSchema } from '../config/schema.ts';
import { Prober } from '../probe/prober.ts';
import { type SystemUser, systemUser } from '../probe/user.ts';
import type { Box } from './box.ts';
import type { Check, Finding } from './check.ts';
import type { DoctorDocument } from './document.ts';
import { Measures } from './measures.ts';
import { CHECKS } from './registry.ts';
import { readSettings } from './settings.ts';

export interface DoctorOptions {
  readonly config: string;
  readonly agentConfig: string;
  readonly signal?: AbortSignal;
  /** Called before each check. */
  readonly onCheck?: (title: string, done: number, of: number) => void;
  /** Where the system begins. @default '/' */
  readonly root?: string;
  /** ms since the epoch. @default the system's clock */
  readonly now?: number;
  /** @default the kernel's word */
  readonly clock?: () => Clock;
  readonly environment?: NodeJS.ProcessEnv;
  /** @default that which runs this */
  readonly node?: string;
  /** Who the daemon runs as. @default `wayside`, where there is such a user */
  readonly user?: SystemUser;
  /** Who the agent runs as. @default `wayside-agent`, where there is such a user */
  readonly agentUser?: SystemUser;
  /** Who asks other machines. @default a process of its own, as the user of the daemon where root asks */
  readonly prober?: Pick<Prober, 'ask'>;
  /** @default all */
  readonly checks?: readonly Check[];
}

/** Looks at all of a box. Nothing is changed; one message is sent to the broker, to a topic that nobody hears. */
export async function examineBox(options: DoctorOptions): Promise<DoctorDocument> {
  const { signal = new AbortController().signal, environment = process.env, checks = CHECKS } = options;
  const box: Box = {
    root: options.root ?? '/',
    now: options.now ?? Date.now(),
    signal,
    clock: options.clock ?? createClockReader(createLog('wayside-doctor')),
    node: options.node ?? process.versions.node,
    environment,
    daemon: await readSettings(options.config, configSchema),
    agent: await readSettings(options.agentConfig, agentSchema),
    measures: new Measures(options.prober ?? (await Prober.create()), signal, environment),
    user: options.user ?? (await systemUser('wayside')),
    agentUser: options.agentUser ?? (await systemUser('wayside-agent')),
  };
  const findings: DoctorDocument['findings'] = [];
  for (const [index, check] of checks.entries()) {
    options.onCheck?.(check.title, index, checks.length);
    for (const finding of await outcomeOf(check, box)) findings.push({ check: check.name, ...finding });
  }
  const counts = { ok: 0, skipped: 0, warning: 0, failure: 0 };
  for (const { status } of findings) counts[status]++;
  return {
    schema: 'wayside/doctor/1',
    at: new Date(box.now).toISOString(),
    wayside: VERSION,
    site: box.daemon.config?.site ?? null,
    box: box.daemon.config?.box ?? null,
    healthy: counts.failure === 0,
    counts,
    findings,
  };
}

/** A check that cannot do its work says so and does not keep the others from theirs. */
async function outcomeOf(check: Check, box: Box): Promise<readonly Finding[]> {
  try {
    return await check.run(box);
  } catch (thrown) {
    box.signal.throwIfAborted();
    const { code, message, hint } = asWaysideError(thrown);
    const remedy = hint ?? 'please report this check with what it says here';
    return [{ subject: null, status: 'failure', fault: null, seen: `not checked: ${code}: ${message}`, remedy }];
  }
}
