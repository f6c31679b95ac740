import type { Digest } from '../../core/hash.ts';
import type { Garbage } from '../store/garbage.ts';
import type { Place, Slot } from '../store/layout.ts';
import type { WantedRecord } from '../store/records.ts';
import type { StoreSnapshot } from '../store/snapshot.ts';
import type { TrialReason } from '../trial/reasons.ts';

/** What the repository has signed for a name and a version. */
export interface TrustedTarget {
  readonly path: string;
  /** Of the bundle. */
  readonly bytes: number;
  /** Of the bundle, in hexadecimal. */
  readonly sha256: string;
  /** Of the package that it holds, where its signers say so. */
  readonly package: Digest | undefined;
  readonly unpackedBytes: number | undefined;
  /** The package that its differences are from. */
  readonly parent: Digest | undefined;
  /** Formats that a box must read: `package`, `bundle`. */
  readonly formats: Readonly<Record<string, number>>;
}

/** A bundle that lies there, whole and as signed. */
export interface DownloadedBundle {
  readonly file: string;
  readonly package: Digest;
  readonly parent: Digest | undefined;
  readonly unpackedBytes: number;
}

/** Why something ends or waits: a code of `core/error-codes.ts` or of a trial, and words. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

/** A trial under way in the daemon, and what is to become of it. */
export interface TrialUnderWay {
  readonly slot: Slot;
  readonly phase: 'loading' | 'shadow' | 'probation';
  /** `interrupted`: the daemon went away over it. */
  readonly ruling:
    | { readonly step: 'take-over' | 'interrupted' }
    | { readonly step: 'promote' | 'roll-back'; readonly reason: TrialReason; readonly message?: string }
    | undefined;
}

/** A package that runs, or would if the one before it were taken back. */
export interface Installed {
  readonly place: Place;
  readonly version: string | undefined;
  readonly digest: string | undefined;
}

export interface DaemonSeen {
  readonly packageFormats: readonly number[];
  readonly running: { readonly name: string; readonly version: string; readonly digest: string } | undefined;
  /** Packages that should run and that the daemon could not load. */
  readonly unusable: readonly (Reason & { readonly digest: string })[];
  /** Frames that `running` has answered since it runs; undefined until the daemon says. */
  readonly served: number | undefined;
}

/** Everything that a decision rests on; whatever is not known yet is undefined. */
export interface Situation {
  /** ms since the epoch. */
  readonly now: number;
  /** Name of the model that this store is of. */
  readonly model: string;
  readonly store: StoreSnapshot;
  /** Undefined: nothing is asked for, or what was is done. */
  readonly wanted: WantedRecord | undefined;
  /** What is wrong with the limits that the job names. */
  readonly badLimits: string | undefined;
  readonly target: { readonly trusted: TrustedTarget } | { readonly refused: Reason } | undefined;
  readonly downloaded: DownloadedBundle | undefined;
  /** The package that runs and the one before it. */
  readonly installed: readonly Installed[];
  /** When downloads and trials may begin: now, or at a moment in ms since the epoch. */
  readonly windowOpensAt: number;
  readonly freeBytes: number;
  /** Left untouched on the disk, whatever comes. */
  readonly reservedBytes: number;
  /** What may go at any time, and what besides where room is needed. */
  readonly garbage: { readonly always: Garbage; readonly forRoom: Garbage };
  /** Undefined while no daemon is connected. */
  readonly daemon: DaemonSeen | undefined;
  readonly promoteWithoutTrial: boolean;
  readonly trial: TrialUnderWay | undefined;
  /** After a failure, until the next attempt. */
  readonly paused: { readonly reason: Reason; readonly until: number } | undefined;
}
