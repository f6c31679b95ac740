import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';

const VITEST = join(PACKAGE_ROOT, 'node_modules', 'vitest', 'vitest.mjs');
const FOLDER = 'test/deploy/attacks';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

/** Ends with 1 where a test fails: what failed is in the report. */
const vitest = (report: string, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const args = [VITEST, 'run', '--project', 'fast', '--reporter=json', `--outputFile=${report}`, FOLDER];
    execFile(process.execPath, args, { cwd: PACKAGE_ROOT, signal, maxBuffer: 2 ** 26 }, (error) => {
      if (error === null || error.code === 1) resolve();
      else reject(error);
    });
  });

export const attacks: Benchmark = {
  name: 'attacks',
  title: 'Attacks on updates: how many are accepted',
  method:
    'The tests of `test/deploy/attacks`, a row a file: metadata (arbitrary artefacts, rollback, fast-forward, freeze, mix and match, wrong targets, stolen keys, delegation escape), downloads (endless and slow), packages and bundles ' +
    '(data outside of the package, bombs, indices beyond their codebook) and jobs (replay). Each first lets a client that somebody might have written fall for it. An attack whose test fails counts as accepted.',
  layout: 'grid',
  needs: [],
  async run({ scratch, signal }) {
    if (!existsSync(VITEST)) return { skipped: 'needs the development dependencies' };
    const path = join(scratch, 'report.json');
    await vitest(path, signal);
    const { testResults } = JSON.parse(await readFile(path, 'utf8')) as Report;
    const figures = testResults
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap(({ name, assertionResults }): Figure[] => {
        const subject = basename(name, '.test.ts');
        const accepted = assertionResults.filter(({ status }) => status !== 'passed').length;
        return [
          { subject, measure: 'tried', value: assertionResults.length, unit: '', limit: { atLeast: 1 } },
          { subject, measure: 'accepted', value: accepted, unit: '', limit: { atMost: 0 } },
        ];
      });
    if (figures.length === 0) throw new Error(`no test of ${FOLDER} ran`);
    return { figures, notes: [] };
  },
};
