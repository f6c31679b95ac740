import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeColourPackage } from '../support/colour-package.ts';
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
    await writeColourPackage(join(folder(), 'colours'));
    const run = await runWayside([
      'daemon',
      '--config',
      await configured(VALID.replace('./package', './colours')),
      '--check',
      '--json',
    ]);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toMatchObject({ site: 'depot', box: 'north-1', cameras: ['gate'] });
  });

  it('ends with 78 and the place of the mistake', async () => {
    const path = await configured(VALID.replace('    url: rtsp', '    ulr: rtsp'));
    for (const args of [['--check'], []]) {
      const run = await runWayside(['daemon', '--config', path, ...args]);
      expect(run).toMatchObject({ exit: 78, stdout: '' });
      expect(run.stderr).toMatch(/^error CONFIG_INVALID: .*wayside\.yaml:\d+:\d+/m);
    }
  });

  it('says everything that is wrong at once, as text and as one document', async () => {
    const path = await configured(`${VALID.replace('site: depot', 'site: a b')}    username: viewer\n`);
    const text = await runWayside(['daemon', '--config', path, '--check']);
    expect(text).toMatchObject({ exit: 78, stdout: '' });
    expect(text.stderr.match(/^error /gm)).toHaveLength(3);
    expect(text.stderr).toMatch(/wayside\.yaml:1:7: site: /);
    const { stdout, exit } = await runWayside(['daemon', '--config', path, '--check', '--json']);
    const { error, errors } = JSON.parse(stdout);
    expect(exit).toBe(78);
    expect(errors[0]).toEqual(error);
    expect(errors.map(({ code }: { code: string }) => code)).toEqual([
      'CONFIG_INVALID',
      'FILE_NOT_FOUND',
      'CONFIG_INVALID',
    ]);
  });

  it('ends with 78 where the model package is not there', async () => {
    const run = await runWayside(['daemon', '--config', await configured(VALID)]);
    expect(run).toMatchObject({ exit: 78, stdout: '' });
    expect(run.stderr).toContain('model.package');
  });
});
