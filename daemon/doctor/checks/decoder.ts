import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { asWaysideError } from '../../../core/errors.ts';
import { DecoderCommands } from '../../camera/decoder-command.ts';
import { answerOf } from '../box.ts';
import { check } from '../check.ts';

export const decoder = check({
  name: 'decoder',
  title: 'video decoder',
  faults: {
    missing: {
      severity: 'failure',
      when: 'the program that decodes does not run: no camera will be seen',
      remedy: '`apt install ffmpeg`, or correct `cameras[].decoder` in the configuration',
    },
    'no-codec': {
      severity: 'failure',
      when: 'ffmpeg was built without a decoder for H.264 or H.265',
      remedy: '`apt install ffmpeg`: the one of the distribution has both; see `which -a ffmpeg`',
    },
  },
  async run(box, { ok, skipped, fault }) {
    const commands = new DecoderCommands();
    const programs = new Map(
      (box.daemon.config?.cameras ?? []).map(({ decoder: named }) => [named?.command.join(' ') ?? 'ffmpeg', named]),
    );
    if (programs.size === 0) return skipped('the configuration cannot be read');
    for (const [subject, named] of programs) {
      try {
        const ffmpeg = await commands.ffmpegFor(named === undefined ? {} : { decoder: named });
        if (ffmpeg === undefined) {
          skipped('a command of another kind: what it can do is seen by its frames', subject);
          continue;
        }
        const listed = (await answerOf(box, ffmpeg.command, ['-hide_banner', '-decoders'])) ?? '';
        const has = (name: string): boolean => new RegExp(`^\\s*V\\S*\\s+${name}\\s`, 'm').test(listed);
        const lacks = ['h264', 'hevc'].filter((name) => !has(name));
        if (lacks.length > 0) fault('no-codec', `no decoder ${lacks.join(', ')}`, { subject });
        else ok(`${ffmpeg.version}, ${await hardware(box.root, has)}`, subject);
      } catch (thrown) {
        fault('missing', asWaysideError(thrown).message, { subject });
      }
    }
  },
});

/** What a board offers beside the processor. That it works is known only of a stream that it has decoded. */
async function hardware(root: string, has: (decoder: string) => boolean): Promise<string> {
  const devices = (await readdir(join(root, 'dev')).catch(() => [])).filter((name) =>
    /^video\d+$|^nvhost-nvdec$/.test(name),
  );
  const offered = ['h264_v4l2m2m', 'hevc_v4l2m2m', 'h264_nvv4l2dec', 'h264_rkmpp'].filter(has);
  return devices.length > 0 && offered.length > 0
    ? `hardware decoders offered: ${offered.join(', ')} (${devices.join(', ')})`
    : 'software decoding';
}
