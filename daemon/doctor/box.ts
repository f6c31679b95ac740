import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Clock } from '../../contract/messages/envelope.ts';
import type { AgentConfig } from '../../deploy/agent/config/schema.ts';
import type { Config } from '../config/schema.ts';
import type { SystemUser } from '../probe/user.ts';
import type { Measures } from './measures.ts';
import type { Settings } from './settings.ts';

/** The box as the checks see it. */
export interface Box {
  /** Where `/proc`, `/sys`, `/etc/systemd` begin. */
  readonly root: string;
  /** ms since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  readonly clock: () => Clock;
  /** Version of Node. */
  readonly node: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly daemon: Settings<Config>;
  readonly agent: Settings<AgentConfig>;
  readonly measures: Measures;
  /** Who the daemon runs as; undefined where there is no such user. */
  readonly user: SystemUser | undefined;
  /** Who the agent runs as; undefined where there is no such user. */
  readonly agentUser: SystemUser | undefined;
}

/** A file of the system, below the root; undefined where it is not there or may not be read. */
export async function systemText({ root }: Pick<Box, 'root'>, path: string): Promise<string | undefined> {
  try {
    return (await readFile(join(root, path), 'utf8')).trim();
  } catch {
    return undefined; // not on this machine: whoever asks says so
  }
}

/** Where a path of a configuration leads. */
export const pathIn = ({ folder }: { readonly folder: string }, path: string): string => resolve(folder, path);

/** What a program prints, or undefined where it is not there or fails. */
export async function answerOf(
  { signal, environment }: Pick<Box, 'signal' | 'environment'>,
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  return await new Promise((done) => {
    execFile(program, [...args], { signal, env: environment, timeout: 10_000, maxBuffer: 1 << 20 }, (error, stdout) => {
      done(error === null ? stdout : undefined);
    });
  });
}

const GB = 1e9;
export const MB = 1e6;

/** A size for a person. */
export const bytesText = (bytes: number): string =>
  bytes >= GB ? `${(bytes / GB).toFixed(1)} GB` : `${(bytes / MB).toFixed(0)} MB`;
