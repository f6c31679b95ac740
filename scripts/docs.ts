import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replaceBlock } from '../bench/harness/pages/blocks.ts';
import { writeFileAtomic } from '../core/files.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { acceptanceSchemaText } from './acceptance-schema.ts';
import { checksTable, doctorSchemaText } from './doctor-page.ts';
import { cliPage, errorsPage, manualPage } from './pages.ts';

// Writes the pages that are made from the sources: `npm run docs`.
const doctorPage = join(PACKAGE_ROOT, 'docs', 'guide', 'doctor.md');
const pages = {
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/cli.md': cliPage(),
  'docs/reference/man/wayside.1': manualPage(),
  'docs/reference/doctor.json': doctorSchemaText(),
  'docs/reference/acceptance.json': acceptanceSchemaText(),
  'docs/guide/doctor.md': replaceBlock(await readFile(doctorPage, 'utf8'), 'checks', checksTable()),
};

for (const [path, text] of Object.entries(pages)) {
  const target = join(PACKAGE_ROOT, path);
  await mkdir(dirname(target), { recursive: true });
  await writeFileAtomic(target, text);
}
