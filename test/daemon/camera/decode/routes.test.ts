import { describe, expect, it } from 'vitest';
import { readDescription } from '../../../../daemon/camera/connect/description.ts';
import { jetsonPipeline } from '../../../../daemon/camera/decode/gstreamer.ts';
import { candidates, type Machine, THIS_MACHINE } from '../../../../daemon/camera/decode/routes.ts';
import type { DecodeChoice } from '../../../../daemon/camera/types.ts';

const machine = (devices: readonly string[], decoders: readonly string[]): Machine => ({
  devices: async () => devices,
  has: async ({ decoder }) => decoders.includes(decoder),
});
const JETSON = machine(['nvmap', 'nvhost-nvdec', 'video0'], ['nvv4l2decoder', 'h264_nvmpi', 'h264_v4l2m2m']);
const PI = machine(['video10', 'video11'], ['h264_v4l2m2m', 'hevc_v4l2m2m']);
const PLAIN = machine(['null', 'tty'], ['h264_v4l2m2m']);

async function tried(wanted: DecodeChoice, on: Machine, { codec = 'h264', secret = false } = {}) {
  const { routes, missing } = await candidates(
    { wanted, codec: codec as 'h264' | 'hevc', ffmpeg: 'ffmpeg', secret },
    on,
  );
  return { routes: routes.map(({ decoder }) => decoder), missing };
}

describe('what is tried to decode a stream', () => {
  it('is nothing where there is no device', async () => {
    expect(await tried('auto', PLAIN)).toEqual({ routes: [], missing: [] });
  });

  it('is what fits the codec, where there are a device and a decoder', async () => {
    expect(await tried('auto', PI)).toEqual({ routes: ['h264_v4l2m2m'], missing: [] });
    expect((await tried('auto', PI, { codec: 'hevc' })).routes).toEqual(['hevc_v4l2m2m']);
  });

  it('is on a Jetson its own hardware first, and says what is missing', async () => {
    const { routes, missing } = await tried('auto', JETSON);
    expect(routes).toEqual(['h264_nvmpi', 'nvv4l2decoder', 'h264_v4l2m2m']);
    expect(missing).toEqual([expect.stringContaining('h264_nvv4l2dec')]);
  });

  it('shows no password in the process list unless it was asked for by name', async () => {
    const { routes, missing } = await tried('auto', JETSON, { secret: true });
    expect(routes).not.toContain('nvv4l2decoder');
    expect(missing.join()).toContain('password');
    expect((await tried('jetson', JETSON, { secret: true })).routes).toEqual(['h264_nvmpi', 'nvv4l2decoder']);
  });

  it('is what was named, devices or not, and nothing else', async () => {
    expect((await tried('v4l2', PLAIN)).routes).toEqual(['h264_v4l2m2m']);
    expect(await tried('jetson', PI)).toMatchObject({ routes: [], missing: { length: 3 } });
  });

  it('finds no decoder in a program that is not there', async () => {
    const route = { kind: 'v4l2', program: 'ffmpeg', decoder: 'h264_v4l2m2m' } as const;
    expect(await THIS_MACHINE.has(route, '/nonexistent/ffmpeg')).toBe(false);
  });
});

describe('the codec of a camera', () => {
  const media = (...lines: string[]): string => ['v=0', ...lines].join('\r\n');
  it.each([
    ['H.264', media('m=video 0 RTP/AVP 96', 'a=rtpmap:96 H264/90000'), 'h264'],
    ['H.265, in small letters', media('m=video 0 RTP/AVP 98', 'a=rtpmap:98 h265/90000'), 'hevc'],
    ['JPEG', media('m=video 0 RTP/AVP 26', 'a=rtpmap:26 JPEG/90000'), undefined],
    ['not told', media('m=video 0 RTP/AVP 96'), undefined],
    ['that of the video', media('m=audio 0 RTP/AVP 97', 'a=rtpmap:97 H264/1', 'm=video 0 RTP/AVP 26'), undefined],
    ['not what follows the video', media('m=video 0 RTP/AVP 26', 'm=x 0 RTP/AVP 96', 'a=rtpmap:96 H264/9'), undefined],
  ])('is %s', (_, sdp, codec) => {
    expect(readDescription(sdp).codec).toBe(codec);
  });
});

describe('the pipeline of a Jetson', () => {
  it('leaves frames out before it converts them, and scales where the size is known', () => {
    const size = { width: 224, height: 224 };
    const text = jetsonPipeline({ rate: 0.05, workingSize: size }, 'hevc', 'rtsp://a/b').join(' ');
    expect(text.indexOf('framerate=5/100')).toBeLessThan(text.indexOf('nvvidconv'));
    expect(text).toMatch(/rtph265depay ! h265parse ! nvv4l2decoder .* video\/x-raw,format=RGBA,width=224,height=224 /);
  });
});
