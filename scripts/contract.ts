import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { contractFiles } from '../contract/messages/documents.ts';
import { writeFileAtomic } from '../core/files.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';

/** Writes the MQTT contract to `docs/reference/contract/`: run after a change of `contract/messages/`. */
const folder = join(PACKAGE_ROOT, 'docs', 'reference', 'contract');
await mkdir(folder, { recursive: true });
for (const [name, text] of contractFiles()) await writeFileAtomic(join(folder, name), text);
