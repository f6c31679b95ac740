import { join } from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { quotedPages } from './harness/pages/pages.ts';

// npm run bench:quote: rewrites the figures in README.md and docs/research/benchmarks.md from bench/results. None is typed by hand.
for (const { page, quoted } of await quotedPages()) await writeFileAtomic(join(PACKAGE_ROOT, page), quoted);
