import { type FileSystem, type OpenFile, writeFailed } from '../../core/file-system.ts';
import { encodeFrame, type FrameType, NO_HASH } from './frame.ts';
import type { Segment } from './opening.ts';
import { headerBody, type SegmentHeader, segmentName } from './segment.ts';

const MODE = 0o640;

/** The records of a journal as they lie in the segments of a folder, each with the hash of all before it. Whoever calls takes turns. */
export class Chain {
  readonly #files: FileSystem;
  readonly #folder: string;
  #segments: Segment[] = [];
  #head: Buffer = NO_HASH;
  /** Of the last segment. */
  #file: OpenFile | undefined;
  #bytesWritten = 0;

  constructor(files: FileSystem, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /** With as many of their bytes as are flushed. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Hash of the last record that was written. */
  get head(): Buffer {
    return this.#head;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  takeOver({ segments, head }: { readonly segments: readonly Segment[]; readonly head: Buffer }): void {
    this.#segments = [...segments];
    this.#head = head;
  }

  /** Writes records to the last segment and flushes them. */
  async append(records: readonly (readonly [FrameType, Buffer])[]): Promise<void> {
    const segment = this.#segments.at(-1);
    if (segment === undefined) throw new Error('a journal without a segment');
    this.#file ??= await this.#files.open(this.#path(segment.index), 'append');
    let head = this.#head;
    const frames = records.map(([type, body]) => {
      const { bytes, hash } = encodeFrame(head, type, body);
      head = hash;
      return bytes;
    });
    const bytes = Buffer.concat(frames);
    await this.#file.write(bytes);
    await this.#file.sync();
    this.#head = head;
    segment.bytes += bytes.length;
    this.#bytesWritten += bytes.length;
  }

  /** A new segment: its name is on the disk, the header goes there with what follows. */
  async begin(header: SegmentHeader): Promise<void> {
    await this.close();
    const path = this.#path(header.index);
    if ((await this.#files.size(path)) !== undefined) await this.#files.remove(path); // an attempt that failed
    const { bytes, hash } = encodeFrame(this.#head, 'header', headerBody(header));
    const file = await this.#files.open(path, 'new', MODE);
    try {
      await file.write(bytes);
      await this.#files.syncFolder(this.#folder);
    } catch (cause) {
      await file.close();
      throw writeFailed(path, cause);
    }
    this.#file = file;
    this.#head = hash;
    this.#segments.push({ index: header.index, header, bytes: bytes.length });
    this.#bytesWritten += bytes.length;
  }

  /** Removes what the newest segment says is no longer kept. */
  async remove(segments: readonly Segment[]): Promise<void> {
    this.#segments = this.#segments.filter((each) => !segments.includes(each));
    for (const { index } of segments) await this.#files.remove(this.#path(index));
    await this.#files.syncFolder(this.#folder);
  }

  /** Cuts off what a failed write left behind the last record that was flushed. */
  async mend(): Promise<void> {
    await this.#file?.close().catch(() => undefined); // it failed before: a new one is opened
    this.#file = undefined;
    const segment = this.#segments.at(-1);
    if (segment === undefined) return;
    const file = await this.#files.open(this.#path(segment.index), 'append', MODE);
    try {
      await file.truncate(segment.bytes);
      await file.sync();
    } catch (cause) {
      await file.close();
      throw cause;
    }
    this.#file = file;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  #path = (index: number): string => `${this.#folder}/${segmentName(index)}`;
}
