import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contractFiles } from '../../../contract/messages/documents.ts';
import { MESSAGE_KINDS, rootTopic, topicOf } from '../../../contract/messages/topics.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';

const folder = join(PACKAGE_ROOT, 'docs', 'reference', 'contract');

describe('the published contract', () => {
  it('is what the schemas say (`npm run contract` writes it)', async () => {
    const files = contractFiles();
    expect(new Set(await readdir(folder))).toEqual(new Set(files.keys()));
    for (const [name, text] of files) expect(await readFile(join(folder, name), 'utf8'), name).toBe(text);
  });

  it('names every topic, with its quality of service, in docs/reference/mqtt.md', async () => {
    const document = await readFile(join(PACKAGE_ROOT, 'docs', 'reference', 'mqtt.md'), 'utf8');
    for (const kind of Object.values(MESSAGE_KINDS)) {
      const row = document
        .split('\n')
        .find((line) => line.startsWith(`| \`${kind.topic.replace('{camera}', '<id>')}\``));
      expect(row, kind.topic).toBeDefined();
      expect(row).toContain(`| ${kind.qos}${kind.retain ? ', retained' : ''}`);
    }
  });

  it('resolves every reference of the AsyncAPI document', () => {
    const files = contractFiles();
    const document = JSON.parse(files.get('asyncapi.json') ?? '') as Record<string, unknown>;
    const references = [...(files.get('asyncapi.json') ?? '').matchAll(/"\$ref": "([^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(references.length).toBeGreaterThanOrEqual(3 * Object.keys(MESSAGE_KINDS).length);
    for (const reference of references) {
      if (reference.startsWith('./')) expect([...files.keys()]).toContain(reference.slice(2));
      else {
        const found = reference
          .slice(2)
          .split('/')
          .reduce<unknown>((at, step) => (at as Record<string, unknown> | undefined)?.[step], document);
        expect(found, reference).toBeDefined();
      }
    }
  });

  it('puts every topic under the root of its box', () => {
    const root = rootTopic('ring-road', 'km-12');
    expect(topicOf(root, 'state')).toBe('wayside/v1/ring-road/km-12/state');
    expect(topicOf(root, 'detections', 'north')).toBe('wayside/v1/ring-road/km-12/camera/north/detections');
  });
});
