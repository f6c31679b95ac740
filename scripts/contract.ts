import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceBlock } from '../bench/harness/pages/blocks.ts';
import { alarmTable, contractFiles, topicTable } from '../contract/messages/documents.ts';
import { writeFileAtomic } from '../core/files.ts';
import { PACKAGE_ROOT } from '../core/layout.ts';

/** Writes the MQTT contract to `docs/reference/contract/` and the topics and alarms into `docs/reference/mqtt.md`: run after a change of `contract/messages/`. */
const folder = join(PACKAGE_ROOT, 'docs', 'reference', 'contract');
await mkdir(folder, { recursive: true });
for (const [name, text] of contractFiles()) await writeFileAtomic(join(folder, name), text);

const page = join(PACKAGE_ROOT, 'docs', 'reference', 'mqtt.md');
const topics = replaceBlock(await readFile(page, 'utf8'), 'topics', topicTable());
await writeFileAtomic(page, replaceBlock(topics, 'alarms', alarmTable()));
