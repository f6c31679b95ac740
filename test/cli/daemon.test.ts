import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { runWayside } from '../support/wayside.ts';

const VALID = `site: depot
box: north-1
mqtt:
  url: mqtt://127.0.0.1:1883
model:
  package: ./package
cameras:
  - id: gate
    url: rtsp://127.0.0.1:8554/camera
`;

describe('wayside daemon', () => {
  const folder = temporaryFolder();
  const configured = async (text: string): Promise<string> => {
    const path = join(folder(), 'wayside.yaml');
    await writeFile(path, text);
    return path;
  };

  it('checks a configuration without starting anything', async () => {
    const run = await runWayside(['daemon', '--config', await configured(VALID), '--check', '--json']);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toMatchObject({ site: 'depot', box: 'north-1', cameras: ['gate'] });
  });

  it('ends with 78 and the place of the mistake, so that systemd does not restart it', async () => {
    const path = await configured(VALID.replace('    url: rtsp', '    ulr: rtsp'));
    for (const args of [['--check'], []]) {
      const run = await runWayside(['daemon', '--config', path, ...args]);
      expect(run).toMatchObject({ exit: 78, stdout: '' });
      expect(run.stderr).toMatch(/^error CONFIG_INVALID: .*wayside\.yaml:\d+:\d+/m);
    }
  });

  it('ends with 78 where the model package is not there', async () => {
    const run = await runWayside(['daemon', '--config', await configured(VALID)]);
    expect(run).toMatchObject({ exit: 78, stdout: '' });
    expect(run.stderr).toContain('model.package');
  });
});
