import { describe, expect, it } from 'vitest';
import { addressOf } from '../../../daemon/camera/address.ts';
import { type DecodingPlan, type Ffmpeg, ffmpegInvocation } from '../../../daemon/camera/ffmpeg.ts';
import { filterGraph } from '../../../daemon/camera/filter.ts';
import { reasonFor } from '../../../daemon/camera/last-words.ts';
import type { CameraOptions } from '../../../daemon/camera/types.ts';

const current: Ffmpeg = {
  command: 'ffmpeg',
  version: '5.1',
  listsOptions: true,
  timeoutOption: 'timeout',
  timeReport: 'descriptor',
};
const old: Ffmpeg = {
  command: 'ffmpeg',
  version: '4.2',
  listsOptions: false,
  timeoutOption: 'stimeout',
  timeReport: 'stderr',
};
const camera: CameraOptions = { id: 'a', url: 'rtsp://camera/a', rate: 5, workingSize: { shorterSide: 224 } };
const plan: DecodingPlan = {
  address: addressOf(camera),
  economy: 'full',
  clock: 'camera',
  timeoutMs: 15_000,
};
const withPassword: DecodingPlan = {
  ...plan,
  address: addressOf({ ...camera, username: 'u', password: "it's;secret" }),
};

describe('the command line of ffmpeg', () => {
  it('never shows a password, in any version', () => {
    for (const ffmpeg of [current, old]) {
      const { args, stdin } = ffmpegInvocation(ffmpeg, camera, withPassword);
      expect(args.join(' ')).not.toMatch(/secret/);
      expect(stdin).toContain("file 'rtsp://u:it'\\''s%3Bsecret@camera/a'");
    }
  });

  it('asks for TCP and a timeout wherever the version lets it', () => {
    expect(ffmpegInvocation(current, camera, withPassword).stdin).toContain(
      'option rtsp_transport tcp\noption timeout 15000000\n',
    );
    expect(ffmpegInvocation(old, camera, plan).args.join(' ')).toContain('-rtsp_transport tcp -stimeout 15000000');
  });

  it('keeps a line break in an address from adding a line to the list', () => {
    const { stdin } = ffmpegInvocation(current, camera, { ...plan, address: "rtsp://camera/a\nfile '/etc/passwd" });
    expect(stdin.match(/^file /gm)).toHaveLength(1);
  });

  it('selects before it scales, and selects nothing where all frames are wanted', () => {
    const size = { shorterSide: 224 };
    const graph = filterGraph({ rate: 5, size, report: 'descriptor' });
    expect(graph.indexOf('select=')).toBeLessThan(graph.indexOf('scale='));
    const all = filterGraph({ rate: 0, size: 'native', report: 'descriptor' });
    expect(all).not.toMatch(/select=(?!key)|scale=/);
    expect(all.match(/metadata=print/g), 'one report of each frame is enough, and one of keyframes').toHaveLength(2);
  });
});

describe('the reason of an end', () => {
  it('is a refusal where the camera denied us, and a loss where it left', () => {
    expect(reasonFor('[rtsp @ 0x1] method DESCRIBE failed: 401 Unauthorized\n', 1, null)).toEqual({
      code: 'CAMERA_REFUSED',
      message: 'method DESCRIBE failed: 401 Unauthorized',
    });
    expect(reasonFor('method DESCRIBE failed: 404 Not Found', 1, null).code).toBe('CAMERA_REFUSED');
    expect(reasonFor('', 0, null)).toEqual({ code: 'CAMERA_LOST', message: 'the camera ended the stream' });
    expect(reasonFor('Connection to tcp://127.0.0.1:1 failed: Connection refused', 1, null).code).toBe('CAMERA_LOST');
    expect(reasonFor('', null, 'SIGSEGV').message).toMatch(/crashed/);
    expect(reasonFor('', null, 'SIGKILL').message, 'the camera did not end it').toMatch(/was killed.*memory/);
  });
});
