import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { cliPage, errorsPage, manualPage } from './pages.ts';

// Writes the pages that are made from the sources: `npm run docs`.
const pages = {
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/cli.md': cliPage(),
  'docs/reference/man/wayside.1': manualPage(),
};

for (const [path, text] of Object.entries(pages)) {
  const target = join(PACKAGE_ROOT, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFileAtomic(target, text);
}
