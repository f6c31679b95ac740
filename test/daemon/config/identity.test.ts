import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { infoSchema } from '../../../contract/messages/info.ts';
import { newestOf } from '../../../core/identity/chain.ts';
import { identityFiles, newIdentity, rotateIdentity } from '../../../core/identity/files.ts';
import { loadConfig } from '../../../daemon/config/load.ts';
import { infoBody } from '../../../daemon/status-bodies.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();

describe('the identity of a box', () => {
  it('is told in `info`, by the key that the first one leads to, and without its private half', async () => {
    const files = identityFiles(folder());
    const made = newIdentity();
    await mkdir(join(folder(), 'secrets'));
    await writeFile(files.key, made.key);
    await writeFile(files.chain, made.chain);
    await rotateIdentity(files, Date.UTC(2026, 0, 2));
    const config = {
      site: 'a',
      box: 'b',
      mqtt: { url: 'mqtt://127.0.0.1' },
      model: { package: 'p' },
      identity: { key: 'secrets/identity', chain: 'identity.json' },
      cameras: [{ id: 'north', url: 'rtsp://127.0.0.1/' }],
    };
    const file = join(folder(), 'wayside.yaml');
    await writeFile(file, stringify(config));
    const { secrets, digest } = await loadConfig(file);
    const body = infoBody(undefined, [], digest, secrets.identity);
    const identity = infoSchema.shape.identity.parse(body.identity);
    expect(identity?.first).toBe(made.identity.publicKey.spki);
    expect(identity?.publicKey).toBe(secrets.identity?.key.publicKey.spki);
    const chain = { format: 1, first: identity?.first ?? '', links: identity?.rotations ?? [] } as const;
    expect(newestOf({ ...chain, links: [...chain.links] }, 'info').spki).toBe(identity?.publicKey);
    expect(JSON.stringify(body)).not.toContain('PRIVATE');
  });

  it('is null in `info` where the box has none', () => {
    expect(infoBody(undefined, [], 'sha256:0', undefined).identity).toBeNull();
  });
});
