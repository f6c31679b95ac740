/** Bytes of a file on their way. */
export interface Opened {
  /** True where the server goes on from `from`; false where it begins anew. */
  readonly resumed: boolean;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface OpenOptions {
  /** Offset to go on from; the answer says whether the server does. */
  readonly from?: number;
  /** Most that the body may hold from `from` on, or from 0 where the server begins anew. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/** What fetches the files of a repository: whatever comes over it is checked after it. */
export interface Transport {
  /** Bytes of bodies so far. */
  readonly received: number;
  /** @throws {WaysideError} DOWNLOAD_FAILED, DOWNLOAD_SLOW, DOWNLOAD_TOO_LARGE, the latter two also while the body is read */
  open(url: string, options: OpenOptions): Promise<Opened>;
  close(): Promise<void>;
}
