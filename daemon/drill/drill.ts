import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { WaysideError } from '../../core/errors.ts';
import { VERSION } from '../../core/layout.ts';
import { createLog } from '../../core/log.ts';
import { agentSchema } from '../../deploy/agent/config/schema.ts';
import { windowOpensAt } from '../../deploy/agent/config/windows.ts';
import { configSchema } from '../config/schema.ts';
import { type RunningProcess, runningProcesses } from '../doctor/processes.ts';
import { brokerAs } from '../doctor/secrets.ts';
import { readSettings } from '../doctor/settings.ts';
import { BoxWatch } from './box-watch.ts';
import { type Disturbance, EXERCISES, type Exercise, type Offer, runningPackage, type Scene } from './exercises.ts';
import type { DrillReport, ExerciseOutcome } from './report.ts';

export interface DrillOptions {
  readonly config: string;
  readonly agentConfig: string;
  /** Outside the maintenance windows of the agent too. */
  readonly now: boolean;
  /** Somebody other than systemd starts daemon and agent again. */
  readonly restarted: boolean;
  /** Names of exercises. @default all */
  readonly only?: readonly string[];
  readonly signal: AbortSignal;
  readonly onExercise?: (title: string, done: number, of: number) => void;
}

/** A box has to be well before something else goes wrong: what it recovers from would not be known. */
const WELL_MS = 90_000;
/** A process that was killed and started anew. */
const LOOK_EVERY_MS = 250;

/**
 * Lets things go wrong on a real box, one after the other, and measures by its own messages when it notices and when every camera
 * detects again.
 *
 * @throws {WaysideError} CONFIG_INVALID, BROKER_UNAVAILABLE, DRILL_REFUSED: outside a maintenance window, no daemon runs, or it is not well
 */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { signal, restarted, only } = options;
  const daemon = await readSettings(options.config, configSchema);
  const agent = await readSettings(options.agentConfig, agentSchema);
  if (daemon.config === undefined)
    throw new WaysideError('CONFIG_INVALID', { message: daemon.problems[0] ?? `${options.config}: not usable` });
  if (!options.now) requireWindow(agent.config?.windows ?? []);
  const { config, folder } = daemon;
  const { site, box } = config;
  const find = async (role: RunningProcess['role']): Promise<RunningProcess | undefined> =>
    (await runningProcesses({ root: '/' })).find(
      (each) => each.role === role && each.config === resolve(role === 'daemon' ? options.config : options.agentConfig),
    );
  const watch = new BoxWatch(
    await brokerAs({ config, folder }, `wayside-drill-${site}-${box}`, process.env),
    site,
    box,
    createLog('wayside-drill', { write: () => undefined }),
  );
  const cameras = config.cameras.map(({ id }) => id);
  const broker = await brokerAs({ config, folder }, config.mqtt.clientId ?? `wayside-${site}-${box}`, process.env);
  await watch.open();
  const startedAt = new Date();
  const outcomes: ExerciseOutcome[] = [];
  try {
    const chosen = EXERCISES.filter(({ name }) => only === undefined || only.includes(name));
    for (const [index, exercise] of chosen.entries()) {
      options.onExercise?.(exercise.title, index, chosen.length);
      const running = await find('daemon');
      if (running === undefined)
        throw new WaysideError('DRILL_REFUSED', {
          message: `no daemon runs with ${options.config}`,
          hint: '`systemctl start wayside`',
        });
      const scene: Scene = {
        daemon: running.pid,
        agent: (await find('agent'))?.pid,
        broker,
        restarted: restarted || (await isUnit(running.pid)),
        running: await runningPackage(running.pid),
        settings: { config, folder },
      };
      outcomes.push(await perform(exercise, scene, { watch, cameras, signal, find }));
    }
  } finally {
    await watch.close();
  }
  return {
    schema: 'wayside/drill/1',
    startedAt: startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    site,
    box,
    wayside: VERSION,
    passed: outcomes.every(({ status }) => status !== 'failed'),
    exercises: outcomes,
  };
}

function requireWindow(windows: Parameters<typeof windowOpensAt>[0]): void {
  const now = Date.now();
  if (windows.length === 0)
    throw new WaysideError('DRILL_REFUSED', {
      message: 'this box has no maintenance window in which it may be disturbed',
      hint: '`--now` runs the drill at once; `windows` in the configuration of the agent names one',
    });
  const opens = windowOpensAt(windows, now);
  if (opens > now)
    throw new WaysideError('DRILL_REFUSED', {
      message: `outside a maintenance window: the next one opens at ${new Date(opens).toISOString()}`,
      hint: '`--now` runs the drill at once',
    });
}

/** Whether systemd started a process, by its control group: who starts it again. */
async function isUnit(pid: number): Promise<boolean> {
  return /wayside[^/]*\.service/.test(await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''));
}

interface Observed {
  readonly watch: BoxWatch;
  readonly cameras: readonly string[];
  readonly signal: AbortSignal;
  readonly find: (role: RunningProcess['role']) => Promise<RunningProcess | undefined>;
}

type Outcome = (
  status: ExerciseOutcome['status'],
  seen: string,
  times?: readonly (number | undefined)[],
) => ExerciseOutcome;

async function perform(exercise: Exercise, scene: Scene, observed: Observed): Promise<ExerciseOutcome> {
  const { name, title, limitSeconds } = exercise;
  const { watch, cameras, signal } = observed;
  const outcome: Outcome = (status, seen, times = []) => ({
    name,
    title,
    status,
    limitSeconds,
    noticedSeconds: rounded(times[0]),
    recoveredSeconds: rounded(times[1]),
    seen,
  });
  if ((await watch.well(cameras, performance.now(), WELL_MS, signal)) === undefined)
    return outcome('failed', `the box was not well before: ${watch.last}`);
  return 'offer' in exercise
    ? await refused(exercise, scene, observed, outcome)
    : await recovered(exercise, scene, observed, outcome);
}

async function recovered(
  { limitSeconds, noticed, inject, release }: Disturbance,
  scene: Scene,
  observed: Observed,
  outcome: Outcome,
): Promise<ExerciseOutcome> {
  const { watch, cameras, signal } = observed;
  const from = performance.now();
  const why = await inject(scene);
  if (why !== undefined) return outcome('skipped', why);
  if (!noticed) return await agentAgain(scene, observed, limitSeconds, from, outcome);
  const limitMs = limitSeconds * 1000;
  let at: number | undefined;
  try {
    at = await watch.notWell(from, limitMs, signal);
  } finally {
    release?.(scene);
  }
  if (at === undefined) return outcome('failed', `not noticed within ${limitSeconds} s`);
  const during = watch.last;
  const again = await watch.well(cameras, at, Math.max(0, limitMs - (at - from)), signal);
  const times = [at - from, again === undefined ? undefined : again - from];
  if (again === undefined) return outcome('failed', `not recovered: ${watch.last}`, times);
  return outcome('passed', during, times);
}

/** Noticed is here: refused. The box itself has nothing to recover from, and says nothing meanwhile. */
async function refused(
  { offer, limitSeconds }: Offer,
  scene: Scene,
  { watch, cameras, signal }: Observed,
  outcome: Outcome,
): Promise<ExerciseOutcome> {
  const from = performance.now();
  const { outcome: offered, words } = await offer(scene, signal);
  if (offered === 'skipped') return outcome('skipped', words);
  if (offered === 'taken') return outcome('failed', words);
  const at = performance.now();
  const left = Math.max(0, limitSeconds * 1000 - (at - from));
  const again = await watch.well(cameras, at, left, signal);
  const times = [at - from, again === undefined ? undefined : again - from];
  if (again === undefined) return outcome('failed', `no detections afterwards: ${watch.last}`, times);
  if (watch.wasNotWell(from)) return outcome('failed', `refused (${words}), and the box was not well meanwhile`, times);
  return outcome('passed', `refused: ${words}`, times);
}

async function agentAgain(
  { agent }: Scene,
  { find, signal }: Observed,
  limitSeconds: number,
  from: number,
  outcome: Outcome,
): Promise<ExerciseOutcome> {
  while (performance.now() - from < limitSeconds * 1000) {
    signal.throwIfAborted();
    const found = await find('agent');
    if (found !== undefined && found.pid !== agent)
      return outcome('passed', 'it runs again', [undefined, performance.now() - from]);
    // The kernel tells nobody but its parent: the process list is all there is to look at.
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
  return outcome('failed', 'it does not run again');
}

const rounded = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms) / 1000);
