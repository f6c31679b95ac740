import { WaysideError } from '../../core/errors.ts';
import { type FileSystem, replaceFile } from '../../core/file-system.ts';
import { encodeRecord } from '../../core/record.ts';
import { compareVersions } from '../version.ts';
import type { StoreLayout } from './layout.ts';
import { type JobsRecord, jobsRecord, newestJobs, readRecord, type WantedRecord } from './records.ts';

/** What was asked of a box for one model: the job at hand, the highest number seen, the oldest version allowed. */
export class JobBook {
  readonly #files: FileSystem;
  readonly #layout: StoreLayout;

  constructor(files: FileSystem, layout: StoreLayout) {
    this.#files = files;
    this.#layout = layout;
  }

  /** @throws {WaysideError} JOB_REPLAYED for a number that is not above every one seen */
  async accept(wanted: WantedRecord): Promise<void> {
    const jobs = await this.#read();
    if (wanted.job <= jobs.highest) {
      throw new WaysideError('JOB_REPLAYED', {
        message: `job ${wanted.job} is not above ${jobs.highest}, the highest seen`,
        hint: 'numbers of jobs only rise: this one was sent before, or by an office with an older state',
      });
    }
    await this.#write(jobs, { highest: wanted.job, wanted });
  }

  /** What the box found by itself, in the repository or on a stick: it takes no number. */
  async want(wanted: Omit<WantedRecord, 'job' | 'outcome'>): Promise<void> {
    const jobs = await this.#read();
    await this.#write(jobs, { wanted: { ...wanted, job: jobs.highest, outcome: 'open' } });
  }

  /** Notes how the job at hand ended. */
  async close(outcome: WantedRecord['outcome'], reason?: string): Promise<void> {
    const jobs = await this.#read();
    if (jobs.wanted === undefined) return;
    const wanted = { ...jobs.wanted, outcome, ...(reason === undefined ? {} : { reason }) };
    await this.#write(jobs, { wanted });
  }

  /** The repository's word on what is too old: it only rises. */
  async raiseMinimum(version: string): Promise<void> {
    const jobs = await this.#read();
    if (jobs.minVersion !== undefined && compareVersions(version, jobs.minVersion) <= 0) return;
    await this.#write(jobs, { minVersion: version });
  }

  async #read(): Promise<JobsRecord> {
    const copies: (JobsRecord | undefined)[] = [];
    for (const path of this.#layout.jobs) copies.push((await readRecord(this.#files, path, jobsRecord)).record);
    return newestJobs(copies);
  }

  /** Both copies, one after the other: a cut damages one at most. */
  async #write(before: JobsRecord, change: Partial<Omit<JobsRecord, 'generation'>>): Promise<void> {
    const record = encodeRecord({ ...before, ...change, generation: before.generation + 1 });
    for (const path of this.#layout.jobs) await replaceFile(this.#files, path, record);
  }
}
