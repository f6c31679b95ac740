import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { loadAgentConfig } from '../../../deploy/agent/config/load.ts';
import { agentSchema } from '../../../deploy/agent/config/schema.ts';
import { WAITING_CODES } from '../../../deploy/agent/report.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import { TRIAL_REASONS } from '../../../deploy/trial/reasons.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
const page = (): Promise<string> => readFile(join(PACKAGE_ROOT, 'docs', 'reference', 'agent.md'), 'utf8');

async function load(text: string) {
  const file = join(folder(), 'agent.yaml');
  await writeFile(file, text);
  return loadAgentConfig(file);
}
const MINIMAL = `site: s
box: b
model: vehicles
repository: { url: "https://office/", root: root.json }
mqtt: { url: "mqtt://broker" }
`;

/** Every key with those above it, as the page names them. */
function keysOf(schema: z.core.$ZodType, above = ''): string[] {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return keysOf(schema.def.innerType, above);
  if (!(schema instanceof z.ZodObject)) return [above];
  return Object.entries(schema.shape as Record<string, z.core.$ZodType>).flatMap(([key, inner]) =>
    keysOf(inner, above === '' ? key : `${above}.${key}`),
  );
}

describe('the configuration of the agent', () => {
  it('makes paths absolute from its own folder, and has a default for all that is not named', async () => {
    const { config } = await load(MINIMAL);
    expect(config).toMatchObject({
      store: '/var/lib/wayside-models',
      repository: { root: join(folder(), 'root.json'), follow: false, pollMinutes: 360 },
      reserveMb: 64,
      promoteWithoutTrial: false,
      trial: { limits: { shadowBlocks: 16 }, blockFrames: { least: 100, most: 2000 }, longestHours: 24 },
    });
  });

  it.each([
    ['grops: [a]', /6:1: .*grops.*/, 'did you mean `groups`?'],
    ['download: { most: 2000, least: 1500 }', /`most` at least twice `least`/, undefined],
    ['windows: [{ from: "1:00", to: "02:00" }]', /a time in UTC/, undefined],
    ['trial: { limits: { falsePromotions: 0.9 } }', /trial\.limits\.falsePromotions/, undefined],
  ])('refuses %s with line and column', async (line, message, hint) => {
    await expect(load(`${MINIMAL}${line}\n`)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message) as string,
      ...(hint === undefined ? {} : { hint }),
    });
  });

  it('names no secret, but where it is', async () => {
    const text = MINIMAL.replace('"mqtt://broker"', '"mqtt://broker", passwordFile: nowhere');
    await expect(load(text)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
  });

  it('is explained key for key, with every reason that a report may give', async () => {
    const text = await page();
    const named = (key: string): boolean => {
      const above = key.startsWith('mqtt.') ? 'mqtt' : key.replace(/^trial\.limits\./, '');
      const tail = above.slice(above.lastIndexOf('.'));
      return text.includes(`\`${above}\``) || (text.includes(`\`${tail}\``) && tail !== above);
    };
    expect(keysOf(agentSchema).filter((key) => !named(key))).toEqual([]);
    const codes = [...Object.keys(TRIAL_REASONS), ...Object.values(WAITING_CODES), ...Object.keys(trialLimits.shape)];
    expect(codes.filter((code) => !text.includes(code))).toEqual([]);
  });
});
