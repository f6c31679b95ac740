import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_MODEL } from '../../cli/init/documents.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { parseConfig } from '../../daemon/config/load.ts';
import { describeWith } from '../support/requirements.ts';

const run = promisify(execFile);
const file = (name: string): string => join(PACKAGE_ROOT, 'systemd', name);

/** What `systemd-analyze security` calls "exposure", 0 to 10; nginx and ssh have 9.6. */
const MOST_EXPOSURE = 1.3;
const UNITS = ['wayside.service', 'wayside-agent.service'] as const;

describeWith({ needs: ['systemd-analyze'] }, 'the unit', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-unit-'));
    for (const unit of UNITS) {
      // The program is not installed where the tests run; `verify` wants one that exists.
      const text = await readFile(file(unit), 'utf8');
      await writeFile(join(folder, unit), text.replaceAll('/usr/bin/wayside ', `${process.execPath} `));
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each(UNITS)('%s passes systemd-analyze verify without a remark', async (unit) => {
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', join(folder, unit)]);
    expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('wayside'))).toEqual([]);
  });

  it.each(UNITS)('%s is as closed as a daemon that needs the network and a compiler can be', async (unit) => {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', join(folder, unit)]);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
    expect(exposure).toBeLessThanOrEqual(MOST_EXPOSURE);
  });
});

describe('the unit', () => {
  it.each(UNITS)('%s waits for its configuration, and is never dead for ever', async (unit) => {
    const text = await readFile(file(unit), 'utf8');
    expect(text).toMatch(/^ExecStart=.* --wait$/m);
    expect(text).toMatch(/^ExecReload=.* --reload$/m);
    expect(text).toMatch(/^Restart=always$/m);
    expect(text).toMatch(/^StartLimitIntervalSec=0$/m);
    expect(text).not.toContain('RestartPreventExitStatus');
  });

  it('gives draining the time it may take', async () => {
    const text = await readFile(file('wayside.service'), 'utf8');
    expect(Number(/TimeoutStopSec=(\d+)/.exec(text)?.[1])).toBeGreaterThan(8);
  });
});

describe('the example configuration', () => {
  it('is valid', async () => {
    const config = parseConfig(await readFile(file('wayside.example.yaml'), 'utf8'), 'wayside.example.yaml');
    expect(config.cameras[0]?.lines.map(({ id }) => id)).toEqual(['stop']);
    expect(config.model.name).toBe(DEFAULT_MODEL);
  });
});
