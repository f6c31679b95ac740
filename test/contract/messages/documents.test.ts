import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { contractFiles, topicTable } from '../../../contract/messages/documents.ts';
import { MESSAGE_KINDS } from '../../../contract/messages/kinds.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';

const folder = join(PACKAGE_ROOT, 'docs', 'reference', 'contract');

describe('the published contract', () => {
  it('is what the schemas say (`npm run contract` writes it)', async () => {
    const files = contractFiles();
    expect(new Set(await readdir(folder))).toEqual(new Set(files.keys()));
    for (const [name, text] of files) expect(await readFile(join(folder, name), 'utf8'), name).toBe(text);
  });

  it('is the table of topics in docs/reference/mqtt.md', async () => {
    const document = await readFile(join(PACKAGE_ROOT, 'docs', 'reference', 'mqtt.md'), 'utf8');
    expect(document).toContain(`<!-- topics -->\n${topicTable()}\n<!-- /topics -->`);
    expect(topicTable()).toMatch(/^\| `state` \| 1, retained \| none \| online/m);
    expect(topicTable()).toMatch(/^\| `camera\/<id>\/detections` \| 0 \| 5 s \|/m);
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

  it('takes a topic of another shape by a row', () => {
    const event = {
      topic: 'camera/{camera}/event/{kind}',
      content: 'what a camera noticed',
      delivery: { kind: 'journalled', expiry: { seconds: 604_800 } },
      from: 'box',
      schema: z.strictObject({ class: z.string() }),
    } as const;
    const files = contractFiles({ ...MESSAGE_KINDS, 'camera-event': event });
    expect(JSON.parse(files.get('asyncapi.json') ?? '')).toMatchObject({
      channels: { cameraEvent: { address: 'wayside/v1/{site}/{box}/camera/{camera}/event/{kind}' } },
      operations: {
        'send-camera-event': {
          summary: 'QoS 1, not retained, expires after 7 days',
          bindings: { mqtt: { qos: 1, retain: false } },
        },
      },
    });
    const { parameters } = JSON.parse(files.get('asyncapi.json') ?? '').channels.cameraEvent;
    expect(Object.keys(parameters)).toEqual(['site', 'box', 'camera', 'kind']);
    expect([...files.keys()]).toContain('camera-event.schema.json');
  });
});
