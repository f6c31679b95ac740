import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNamedFile, writeFileAtomic, writeFolderAtomic } from '../../core/files.ts';
import { compiledModule } from '../../core/layout.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wayside-files-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('writeFileAtomic', () => {
  it('replaces the whole file and leaves nothing beside it', async () => {
    const path = join(folder, 'state.json');
    await writeFileAtomic(path, 'a long first version');
    await writeFileAtomic(path, 'second');
    expect(await readFile(path, 'utf8')).toBe('second');
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  it('gives the file the mode asked for', async () => {
    const path = join(folder, 'secret');
    await writeFileAtomic(path, 'x', 0o600);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('leaves nothing behind when it cannot write', async () => {
    await mkdir(join(folder, 'target'));
    await writeFile(join(folder, 'target', 'kept'), 'kept');
    await expect(writeFileAtomic(join(folder, 'target'), 'new')).rejects.toMatchObject({ code: 'FILE_WRITE_FAILED' });
    expect(await readdir(folder)).toEqual(['target']);
    expect(await readFile(join(folder, 'target', 'kept'), 'utf8')).toBe('kept');
  });

  it('keeps the old file and no part of the new one when room ends in the middle of it', async () => {
    const path = join(folder, 'state');
    await writeFileAtomic(path, 'old');
    const script = `
      import { writeFileAtomic } from ${JSON.stringify(compiledModule('core/files'))};
      await writeFileAtomic(process.argv[1], 'n'.repeat(1_000_000)).catch((error) => console.log(error.code));
    `;
    // A limit of 64 KiB a file (`ulimit -f`) fails in the middle of the write, as a full disk does.
    const limited = 'ulimit -f 64; exec "$0" --input-type=module -e "$1" "$2"';
    const writer = spawn('bash', ['-c', limited, process.execPath, script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    expect(await text(writer.stdout)).toBe('FILE_WRITE_FAILED\n');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['state']);
  });

  it('shows a reader the old or the new content, never a part, whenever the writer is killed', async () => {
    const path = join(folder, 'state');
    const versions = ['a', 'b'].map((letter) => letter.repeat(2_000_000));
    await writeFileAtomic(path, versions[0] ?? '');
    const script = `
      import { writeFileAtomic } from ${JSON.stringify(compiledModule('core/files'))};
      process.stdout.write('ready');
      for (let i = 1; ; i++) await writeFileAtomic(${JSON.stringify(path)}, (i % 2 ? 'b' : 'a').repeat(2_000_000));
    `;
    for (let round = 0; round < 8; round++) {
      const writer = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(writer.stdout, 'data');
      for (let look = 0; look <= round; look++) expect(versions).toContain(await readFile(path, 'utf8'));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      expect(versions).toContain(await readFile(path, 'utf8'));
    }
  });
});

describe('writeFolderAtomic', () => {
  const fill = (text: string) => async (target: string) => {
    await mkdir(join(target, 'golden'));
    await writeFile(join(target, 'golden', 'one'), text);
    return text.length;
  };

  it('shows the whole folder and hands on what was made', async () => {
    const target = join(folder, 'out', 'package');
    expect(await writeFolderAtomic(target, fill('abc'))).toBe(3);
    expect(await readFile(join(target, 'golden', 'one'), 'utf8')).toBe('abc');
  });

  it('refuses a folder that is in use and keeps it; takes an empty one', async () => {
    const target = join(folder, 'package');
    await mkdir(target);
    await writeFolderAtomic(target, fill('first'));
    await expect(writeFolderAtomic(target, fill('second'))).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(await readFile(join(target, 'golden', 'one'), 'utf8')).toBe('first');
    expect(await readdir(folder)).toEqual(['package']);
  });

  it('replaces a folder when asked to', async () => {
    const target = join(folder, 'package');
    await writeFolderAtomic(target, fill('first'));
    await writeFolderAtomic(target, fill('second'), { replace: true });
    expect(await readFile(join(target, 'golden', 'one'), 'utf8')).toBe('second');
    expect(await readdir(folder)).toEqual(['package']);
  });

  it('replaces without a moment in which the folder is not there', async () => {
    const target = join(folder, 'package');
    await writeFolderAtomic(target, fill('first'));
    const watch = `
      import { openSync, closeSync } from 'node:fs';
      let [looks, missing, on] = [0, 0, true];
      process.on('message', () => { on = false; });
      const look = () => {
        for (let i = 0; i < 2000; i++) {
          looks++;
          try { closeSync(openSync(process.argv[1] + '/golden/one')); } catch { missing++; }
        }
        if (on) setImmediate(look);
        else process.send({ looks, missing }, () => process.disconnect());
      };
      process.send('watching');
      look();
    `;
    const watcher = spawn(process.execPath, ['--input-type=module', '-e', watch, target], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(watcher, 'message');
    for (let n = 0; n < 200; n++) await writeFolderAtomic(target, fill(`version ${n}`), { replace: true });
    const answered = once(watcher, 'message');
    watcher.send('enough');
    const [{ looks, missing }] = (await answered) as [{ readonly looks: number; readonly missing: number }];
    expect(missing).toBe(0);
    expect(looks).toBeGreaterThan(2000);
    expect(await readFile(join(target, 'golden', 'one'), 'utf8')).toBe('version 199');
    expect(await readdir(folder)).toEqual(['package']);
  });

  it('leaves nothing when the work fails half-way, and throws what it threw', async () => {
    const target = join(folder, 'package');
    const failing = writeFolderAtomic(target, async (temporary) => {
      await writeFile(join(temporary, 'half'), 'half');
      throw new RangeError('no');
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says FILE_WRITE_FAILED on a full disk, and leaves nothing', async () => {
    const target = join(folder, 'package');
    const failing = writeFolderAtomic(target, async (temporary) => {
      await symlink('/dev/full', join(temporary, 'model.onnx')); // every write there fails with ENOSPC
      await writeFile(join(temporary, 'model.onnx'), 'bytes');
    });
    await expect(failing).rejects.toMatchObject({ code: 'FILE_WRITE_FAILED', hint: 'the disk is full' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('readNamedFile', () => {
  it('names the file that is not there', async () => {
    await expect(readNamedFile(join(folder, 'absent.yaml'))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      message: expect.stringContaining('absent.yaml'),
    });
  });
});
