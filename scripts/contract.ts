import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { contractFiles } from '../daemon/messages/contract.ts';

/** Writes the MQTT contract to `docs/reference/contract/`: run after a change of `daemon/messages/`. */
const folder = join(PACKAGE_ROOT, 'docs', 'reference', 'contract');
await mkdir(folder, { recursive: true });
for (const [name, text] of contractFiles()) await writeFileAtomic(join(folder, name), text);
