import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createClockReader } from '../contract/clock.ts';
import { recordReload } from '../core/config/reload-outcome.ts';
import { asWaysideError, formatError, WaysideError } from '../core/errors.ts';
import { createServiceLog } from '../core/journal/service-log.ts';
import type { Log } from '../core/log.ts';
import { createNotifier, monotonicUsec, type Notifier } from '../core/notify.ts';
import { HOLD_IMAGES_SIGNAL } from './camera/held-image.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { collectRegularly, letHeapGrow } from './heap.ts';
import { modelPlaces } from './model/places.ts';
import { Supervisor } from './supervisor.ts';
import { createHostReader } from './telemetry/host.ts';

export interface DaemonOptions {
  /** Ends the daemon as SIGTERM does. */
  readonly signal?: AbortSignal;
  /** Listen to SIGTERM, SIGINT (drain) and SIGHUP (reload). @default true */
  readonly handleSignals?: boolean;
  /** @default one JSON line an event on stderr */
  readonly log?: Log;
  /** Start also where there is no model yet, and say so over MQTT: what is refused is read again by itself. @default false */
  readonly withoutModel?: boolean;
}

/** How often children, state and watchdog are looked after. */
const CHECK_MS = 500;
/** `STATUS=` and the watchdog's sign of life, at most this often; the watchdog of the unit is 30 s. */
const NOTIFY_EVERY_MS = 5000;

/** Without a package at all there is nothing the box could report about: whoever wrote the path is still at the keyboard. */
async function requireModelFolder(loaded: LoadedConfig, file: string): Promise<void> {
  const { config, folder } = loaded;
  const { package: named, store } = config.model;
  const path = resolve(folder, named ?? store ?? '');
  try {
    await stat(path);
  } catch (cause) {
    if (named !== undefined && (await modelPlaces(loaded)).length > 1) return; // it is gone, and there is one to fall back to
    const [key, what, hint] =
      named === undefined
        ? ['store', 'a store of models', 'the agent makes it, `wayside store import` fills it; or correct the path']
        : ['package', 'a model package', 'make one with `wayside compress`, or correct the path'];
    throw new WaysideError('CONFIG_INVALID', {
      message: `${file}: model.${key}: expected the folder of ${what}, found nothing at ${path}`,
      hint,
      cause,
    });
  }
}

/**
 * Runs the daemon until it is told to end.
 *
 * SIGTERM and SIGINT drain: the frame in flight is finished, `offline` is published, all children are gone when this
 * resolves (8 s at most). SIGHUP reads the configuration again; one that is refused leaves the old one in use. SIGUSR2 is a drill's.
 *
 * @param configPath YAML file, see docs/reference/configuration.md
 * @throws {WaysideError} FILE_NOT_FOUND, CONFIG_INVALID, SECRET_UNREADABLE: only before anything was started
 */
export async function runDaemon(configPath: string, options: DaemonOptions = {}): Promise<void> {
  const { signal, handleSignals = true, log = createServiceLog('wayside'), withoutModel = false } = options;
  const loaded = await loadConfig(configPath);
  if (!withoutModel) await requireModelFolder(loaded, configPath);
  setLevel(log, loaded);
  letHeapGrow();
  const notifier = createNotifier(log);
  const supervisor = new Supervisor(loaded, { log, clock: createClockReader(log), readHost: createHostReader() });

  const ended = new AbortController();
  const end = (): void => ended.abort();
  let reloading = Promise.resolve();
  const hangUp = (): void => {
    reloading = reloading.then(() => reload(supervisor, configPath, notifier, log));
  };
  // Who may send it could as well end the daemon: a drill needs no door of its own, and leaves nothing behind.
  const holdImages = (): void => supervisor.holdImages();
  if (handleSignals)
    process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', hangUp).on(HOLD_IMAGES_SIGNAL, holdImages);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted === true) end();

  const checks = watch(supervisor, notifier, log);
  const endCollecting = collectRegularly();
  try {
    await supervisor.start();
    notifier.notify('READY=1', `STATUS=${supervisor.summary}`);
    await new Promise<void>((done) => {
      if (ended.signal.aborted) done();
      else ended.signal.addEventListener('abort', () => done(), { once: true });
    });
    log.info('draining');
    notifier.notify('STOPPING=1', 'STATUS=draining');
  } finally {
    await supervisor.stop();
    await reloading; // a reload under way gives up when it sees that the daemon drains
    clearInterval(checks);
    endCollecting();
    signal?.removeEventListener('abort', end);
    if (handleSignals)
      process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', hangUp).off(HOLD_IMAGES_SIGNAL, holdImages);
  }
  log.info('ended');
}

/** The environment wins: it is what a person sets to look closer. */
function setLevel(log: Log, { config }: LoadedConfig): void {
  if (process.env['WAYSIDE_LOG'] === undefined) log.level = config.log.level;
}

/** Looks after the children, and tells systemd that the daemon lives only while every part of it does its work. */
function watch(supervisor: Supervisor, notifier: Notifier, log: Log): NodeJS.Timeout {
  let notifiedAt = Number.NEGATIVE_INFINITY;
  let said = '';
  return setInterval(() => {
    const { stuck, cameras } = supervisor.check();
    const now = performance.now();
    const every = Math.min(NOTIFY_EVERY_MS, (notifier.watchdogUsec ?? Number.POSITIVE_INFINITY) / 3000);
    if (stuck.length === 0 && now - notifiedAt >= every) {
      notifiedAt = now;
      notifier.notify('WATCHDOG=1', `STATUS=${supervisor.summary}`);
    }
    const text = stuck.join('; ');
    if (text !== said && text !== '')
      log.error({ stuck, cameras }, 'parts of the daemon are stuck: the watchdog is not fed');
    said = text;
  }, CHECK_MS);
}

async function reload(supervisor: Supervisor, configPath: string, notifier: Notifier, log: Log): Promise<void> {
  notifier.notify('RELOADING=1', `MONOTONIC_USEC=${monotonicUsec()}`);
  try {
    const next = await loadConfig(configPath);
    setLevel(log, next);
    await supervisor.reload(next);
    const { modelRefused: message } = supervisor;
    recordReload(message === undefined ? undefined : new WaysideError('PACKAGE_INVALID', { message }));
  } catch (thrown) {
    const error = asWaysideError(thrown);
    log.error({ code: error.code, reason: error.message, hint: error.hint }, 'the old configuration stays in use');
    supervisor.refuse(
      formatError(error)
        .replace(/^error /, '')
        .split('\n')[0] ?? error.code,
    );
    recordReload(error);
  }
  notifier.notify('READY=1', `STATUS=${supervisor.summary}`);
}
