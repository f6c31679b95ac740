import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stateReasonSchema } from '../../../contract/messages/state.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { parseConfig } from '../../../daemon/config/load.ts';
import { regionSchema } from '../../../daemon/config/region-schema.ts';
import {
  agentSchema,
  cameraSchema,
  configSchema,
  identitySchema,
  journalSchema,
  modelSchema,
  mqttSchema,
} from '../../../daemon/config/schema.ts';
import { countingSchema, lineFields, zoneSchema } from '../../../daemon/config/traffic-schema.ts';

const document = (...path: string[]): Promise<string> => readFile(join(PACKAGE_ROOT, 'docs', ...path), 'utf8');

describe('docs/reference/configuration.md', () => {
  it('explains every key of the configuration', async () => {
    const text = await document('reference', 'configuration.md');
    const within = (prefix: string, shape: object): string[] => Object.keys(shape).map((key) => prefix + key);
    const parts = ['mqtt', 'model', 'agent', 'identity', 'journal', 'cameras', 'counting', 'telemetry', 'log'];
    const keys = [
      ...within('', configSchema.shape).filter((key) => !parts.includes(key)),
      ...within('mqtt.', mqttSchema.shape),
      ...within('model.', modelSchema.shape),
      ...within('agent.', agentSchema.shape),
      ...within('identity.', identitySchema.shape),
      ...within('journal.', journalSchema.shape),
      ...within('cameras[].', cameraSchema.shape).filter(
        (key) =>
          !['regions', 'decoder', 'lines', 'zones', 'movements', 'calibration'].includes(
            key.slice('cameras[].'.length),
          ),
      ),
      ...within('cameras[].regions[].', regionSchema.shape),
      ...within('cameras[].lines[].', lineFields).filter((key) => !key.endsWith('lanes')),
      ...within('cameras[].zones[].', zoneSchema.shape),
      ...within('counting.', countingSchema.shape),
      'cameras[].decoder.command',
      'telemetry.intervalSeconds',
      'log.level',
    ];
    for (const key of keys) expect(text, key).toContain(`\`${key}\``);
  });

  it('names the defaults that hold', async () => {
    const text = await document('reference', 'configuration.md');
    const minimal = `site: s\nbox: b\nmqtt: { url: "mqtt://h" }\nmodel: { package: p }\ncameras: [{ id: a, url: "rtsp://h/" }]\n`;
    const { mqtt, model, journal, cameras, telemetry } = parseConfig(minimal, 'f');
    for (const [key, value] of [
      ['mqtt.keepaliveSeconds', mqtt.keepaliveSeconds],
      ['model.threads', model.threads],
      ['model.memoryLimitMb', model.memoryLimitMb],
      ['model.hangSeconds', model.hangSeconds],
      ['journal.quotaMb', journal.quotaMb],
      ['journal.keepDays', journal.keepDays],
      ['cameras[].rate', cameras[0]?.rate],
      ['cameras[].topK', cameras[0]?.topK],
      ['cameras[].stallSeconds', cameras[0]?.stallSeconds],
      ['cameras[].memoryLimitMb', cameras[0]?.memoryLimitMb],
      ['telemetry.intervalSeconds', telemetry.intervalSeconds],
    ]) {
      expect(text).toContain(`| \`${key}\` | ${value} |`);
    }
  });
});

describe('docs/reference/mqtt.md', () => {
  it('explains every reason of a state', async () => {
    const text = await document('reference', 'mqtt.md');
    for (const code of stateReasonSchema.shape.code.options) expect(text).toContain(`| \`${code}\` |`);
  });
});
