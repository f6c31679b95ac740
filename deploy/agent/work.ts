import type { FileSystem } from '../../core/file-system.ts';
import type { Log } from '../../core/log.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { WantedRecord } from '../store/records.ts';
import type { Evidence } from '../trial/judge.ts';
import type { TrialLimits } from '../trial/limits.ts';
import type { FromAgent } from '../trial/protocol.ts';
import type { DaemonSeen, DownloadedBundle, Installed, Reason, TrustedTarget } from './situation.ts';
import type { TrialSession } from './trial-session.ts';
import type { TufClient } from './tuf/client.ts';

export type Source = NonNullable<WantedRecord['source']>;

/** What the agent works with: everything that is not a decision. */
export interface Tools {
  readonly store: ModelStore;
  readonly files: FileSystem;
  /** A session with the repository of the network, or with the one on a stick. */
  readonly repository: (source: Source) => TufClient;
  /** @returns whether a daemon is there to hear it */
  readonly tell: (message: FromAgent) => boolean;
  readonly freeBytes: () => Promise<number>;
  /** ms since the epoch. */
  readonly now: () => number;
  /** A clock that makes no steps, ms. */
  readonly clock: () => number;
  readonly log: Log;
}

export interface Settings {
  readonly model: string;
  readonly reservedBytes: number;
  readonly promoteWithoutTrial: boolean;
  /** As configured, before a job's. */
  readonly limits: TrialLimits;
  readonly blockFrames: { readonly least: number; readonly most: number };
  /** As configured, before a job's. */
  readonly longestTrialHours: number;
  /** When work may begin, at the earliest: ms since the epoch. */
  readonly windowOpensAt: (now: number) => number;
}

/** What is known of the job at hand and is not on the disk: after a restart it is found out again. */
export interface Memory {
  target: { readonly trusted: TrustedTarget } | { readonly refused: Reason } | undefined;
  downloaded: DownloadedBundle | undefined;
  /** Differences could not be applied: the bundle of the whole is asked for. */
  wholeOnly: boolean;
  session: TrialSession | undefined;
  daemon: DaemonSeen | undefined;
  evidence: readonly Evidence[];
  /** Share of the step that is done. */
  progress: number | undefined;
}

/** What a step is given. */
export interface Work {
  readonly tools: Tools;
  readonly settings: Settings;
  readonly memory: Memory;
  readonly wanted: WantedRecord;
  readonly installed: readonly Installed[];
  readonly limits: TrialLimits;
  readonly longestTrialHours: number;
  readonly signal: AbortSignal;
  readonly onProgress: (share: number) => void;
}
