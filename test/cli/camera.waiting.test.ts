import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { describeWith, program } from '../support/requirements.ts';
import { startWayside } from '../support/wayside.ts';

describeWith({ needs: ['ffmpeg', 'ffprobe'] }, 'wayside camera', () => {
  const folder = temporaryFolder();

  /** Starts a camera, hands over its document, and stops it as a person would. */
  async function withCamera(
    args: readonly string[],
    use: (camera: Record<string, unknown>) => Promise<void>,
  ): Promise<void> {
    const { child, done } = startWayside(['camera', '--port', '0', '--json', ...args]);
    const [document] = (await once(child.stdout, 'data')) as [Buffer];
    try {
      await use(JSON.parse(document.toString('utf8')) as Record<string, unknown>);
    } finally {
      child.kill('SIGINT');
    }
    expect(await done).toMatchObject({ exit: 0, stderr: '' });
  }

  const probe = async (url: string): Promise<string> => {
    const show = [
      '-v',
      'error',
      '-rtsp_transport',
      'tcp',
      '-show_entries',
      'stream=codec_name,width,height',
      '-of',
      'csv=p=0',
    ];
    return (await promisify(execFile)(program('ffprobe') ?? '', [...show, url])).stdout.trim();
  };

  it('serves the rendered street on loopback', async () => {
    await withCamera([], async ({ url, codec }) => {
      expect(url).toMatch(/^rtsp:\/\/127\.0\.0\.1:\d+\/camera$/);
      expect(await probe(String(url))).toMatch(new RegExp(`^${String(codec)},\\d+,\\d+$`));
    });
  });

  it('asks for the password of a file, and never prints it', async () => {
    const secret = join(folder(), 'password');
    await writeFile(secret, 'pa55word\n');
    await chmod(secret, 0o600);
    await withCamera(['--user', 'north', '--password-file', secret, '--path', '/north'], async (camera) => {
      const url = String(camera['url']);
      expect(JSON.stringify(camera)).not.toContain('pa55word');
      await expect(probe(url)).rejects.toThrow(/401/);
      expect(await probe(url.replace('//', '//north:pa55word@'))).toMatch(/^h264,/);
    });
  });

  it('refuses a name without a password', async () => {
    const { done } = startWayside(['camera', '--port', '0', '--user', 'north'], {
      env: { WAYSIDE_CAMERA_PASSWORD: '' },
    });
    expect(await done).toMatchObject({ exit: 64, stdout: '' });
  });
});
