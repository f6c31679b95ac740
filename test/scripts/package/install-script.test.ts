import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestOf } from '../../../core/hash.ts';
import { scriptOf } from '../../../scripts/package/contents.ts';
import { text } from '../../../scripts/package/entries.ts';
import { installScript, tarballOf } from '../../../scripts/package/tarball.ts';
import { CHANGED_ROOT_NEEDS, ChangedRoot } from '../../support/changed-root.ts';
import { describeWith } from '../../support/requirements.ts';

const UNIT = '[Service]\nExecStart=/usr/bin/wayside daemon\nDocumentation=file:///usr/share/doc/wayside/guide/box.md\n';

/** An archive like that of a box, with a program that only says its version. */
const archive = (version: string, more: readonly string[] = [], node = `#!/bin/sh\necho ${version}\n`) =>
  tarballOf({
    fields: { Version: version, Architecture: 'amd64' },
    control: {},
    entries: [
      text('usr/lib/wayside/bin/node', node, 0o755),
      text('usr/lib/wayside/bin/wayside.js', ''),
      text(
        'usr/bin/wayside',
        '#!/bin/sh\nexec /usr/lib/wayside/bin/node /usr/lib/wayside/bin/wayside.js "$@"\n',
        0o755,
      ),
      text('usr/lib/systemd/system/wayside.service', UNIT),
      text('usr/lib/sysusers.d/wayside.conf', 'u wayside - "x" /var/lib/wayside -\nu wayside-agent - "x" / -\n'),
      text(
        'usr/lib/tmpfiles.d/wayside.conf',
        'd /etc/wayside 0750 root wayside -\nd /var/lib/wayside-models 2750 wayside-agent wayside -\n',
      ),
      text('usr/share/wayside/factory/street/manifest.json', '{}'),
      text('usr/share/lintian/overrides/wayside', ''),
      ...more.map((path) => text(path, version)),
    ],
    mtime: 1_700_000_000,
    level: 0,
  });

describeWith({ needs: ['shellcheck'] }, 'scripts of the package', () => {
  it.each(['install.sh', 'postinst', 'prerm', 'postrm', 'wayside.sh'])(
    '%s has nothing that shellcheck remarks',
    (name) => {
      const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', '-'], {
        input: scriptOf(name),
        encoding: 'utf8',
      });
      expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
    },
  );
});

describeWith({ needs: ['xz'] }, 'the archive for boxes without apt', () => {
  it('is the same bytes for the same entries', async () => {
    expect((await archive('1')).equals(await archive('1'))).toBe(true);
  });
});

describeWith({ needs: ['xz', 'sha256sum', ...CHANGED_ROOT_NEEDS] }, 'install.sh', () => {
  let folder: string;
  let box: ChangedRoot;
  const install = (options: string) => box.run(`cd /srv && sh install.sh ${options}`);
  /** Paths with kind, owner and mode: all that an installation made. */
  const made = () =>
    box.run(
      'find /usr/local/lib/wayside /usr/local/bin/wayside /usr/local/share/wayside /etc/wayside /var/lib/wayside-models -printf "%p %y %u:%g %m\\n" | sort',
    ).stdout;

  beforeAll(async () => {
    folder = mkdtempSync('/var/tmp/wayside-root-'); // on a disk: an overlay wants one below it
    box = new ChangedRoot(folder);
    box.write('/srv/install.sh', installScript());
    const put = (name: string, bytes: Uint8Array): void => {
      box.write(`/srv/${name}.tar.xz`, bytes);
      box.write(`/srv/${name}.tar.xz.sha256`, `${digestOf(bytes).replace('sha256:', '')}  ${name}.tar.xz\n`);
    };
    put('one', await archive('1', ['usr/share/wayside/only-in-one', 'usr/share/wayside/in both']));
    put('two', await archive('2', ['usr/share/wayside/in both']));
    put('foreign', await archive('3', [], '\x7fELF of another processor'));
    box.write('/srv/damaged.tar.xz', (await archive('1')).subarray(1));
    box.write('/srv/damaged.tar.xz.sha256', digestOf(await archive('1')).replace('sha256:', ''));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('installs, with users and folders, and the program runs', () => {
    expect(install('one.tar.xz')).toMatchObject({ code: 0, stdout: 'Wayside 1 is installed in /usr/local\n' });
    expect(box.run('/usr/local/bin/wayside --version').stdout).toBe('1\n');
    expect(box.run('stat -c "%U:%G %a" /etc/wayside /var/lib/wayside-models').stdout).toBe(
      'root:wayside 750\nwayside-agent:wayside 2750\n',
    );
    expect(box.run('cat /var/lib/wayside-models/factory/street/manifest.json').stdout).toBe('{}');
    expect(box.run('grep -h /usr /usr/local/lib/systemd/system/wayside.service').stdout).toBe(
      'ExecStart=/usr/local/bin/wayside daemon\nDocumentation=file:///usr/local/share/doc/wayside/guide/box.md\n',
    );
  });

  it('changes nothing when it is run again', () => {
    const before = made();
    expect(before).toContain('/usr/local/lib/wayside/bin/node f root:root 755');
    expect(install('one.tar.xz').code).toBe(0);
    expect(made()).toBe(before);
  });

  it.each([
    ['an archive that is damaged', 'damaged.tar.xz', 'expected the digest'],
    ['another digest than the one that is named', `--sha256 ${'0'.repeat(64)} two.tar.xz`, 'expected the digest'],
    ['programs that do not run here', 'foreign.tar.xz', 'do not run here'],
    ['an archive that is not there', 'three.tar.xz', 'there is no three.tar.xz'],
    ['a prefix that services do not see', '--prefix /home/me two.tar.xz', 'do not see /home/me'],
    ['a prefix that is none', '--prefix "/a b" two.tar.xz', 'expected a plain path'],
  ])('refuses %s, and leaves everything as it was', (_, options, message) => {
    const before = made();
    const { code, stderr } = install(options);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
    expect(made()).toBe(before);
    expect(box.run('ls -d /usr/local/lib/.wayside-*').code).not.toBe(0);
  });

  it('is upgraded: what only the old version had is gone, the configuration is kept', () => {
    box.run('echo edited > /etc/wayside/wayside.yaml');
    expect(install('two.tar.xz')).toMatchObject({ code: 0, stdout: 'Wayside 2 is installed in /usr/local\n' });
    expect(box.run('ls /usr/local/share/wayside').stdout).toBe('factory\nin both\n');
    expect(box.run('cat /etc/wayside/wayside.yaml "/usr/local/share/wayside/in both"').stdout).toBe('edited\n2');
  });

  it('goes on where the power went between two renames', () => {
    box.run('mv /usr/local/lib/wayside /usr/local/lib/wayside.before');
    expect(install('two.tar.xz').code).toBe(0);
    expect(box.run('/usr/local/bin/wayside && ls -d /usr/local/lib/wayside*').stdout).toBe(
      '2\n/usr/local/lib/wayside\n',
    );
  });

  it('is uninstalled, keeping configuration and models until it is purged', () => {
    expect(box.run('sh /usr/local/lib/wayside/install.sh --uninstall').code).toBe(0);
    expect(box.run('find /usr/local /etc/systemd -name "*wayside*"').stdout).toBe('');
    expect(box.run('cat /etc/wayside/wayside.yaml').stdout).toBe('edited\n');
    expect(install('--uninstall --purge').code).toBe(0);
    expect(box.run('ls -d /etc/wayside /var/lib/wayside /var/lib/wayside-models').stdout).toBe('');
  });

  it('goes below another prefix, its units where systemd looks', () => {
    expect(install('--prefix /opt/wayside one.tar.xz').code).toBe(0);
    expect(box.run('/opt/wayside/bin/wayside').stdout).toBe('1\n');
    expect(box.run('grep Exec /etc/systemd/system/wayside.service').stdout).toBe(
      'ExecStart=/opt/wayside/bin/wayside daemon\n',
    );
    expect(box.run('readlink /var/lib/wayside-models/factory').stdout).toBe('/opt/wayside/share/wayside/factory\n');
  });
});
