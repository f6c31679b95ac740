import type { CameraOptions, VideoCodec } from '../types.ts';

const RTP = {
  h264: ['rtph264depay', 'h264parse'],
  hevc: ['rtph265depay', 'h265parse'],
} as const satisfies Record<VideoCodec, readonly string[]>;
const PROTOCOLS = { tcp: 'tcp', udp: 'udp', auto: 'tcp+udp' } as const;
/** Of frames a second. */
const HUNDREDTHS = 100;

/**
 * A pipeline that decodes on a Jetson. Frames are left out before they leave the memory of the decoder, where they cost nothing; they
 * are scaled there as well where their size is known beforehand, and are delivered as the camera sends them where it is not.
 */
export function jetsonPipeline(
  camera: Pick<CameraOptions, 'rate' | 'transport' | 'workingSize'>,
  codec: VideoCodec,
  address: string,
): readonly string[] {
  const { rate, transport, workingSize: size } = camera;
  const scaled =
    size !== 'native' && 'width' in size ? `,width=${Math.round(size.width)},height=${Math.round(size.height)}` : '';
  const elements = [
    ['rtspsrc', `location=${address}`, `protocols=${PROTOCOLS[transport ?? 'tcp']}`, 'latency=0'],
    ...RTP[codec].map((name) => [name]),
    ['nvv4l2decoder'],
    ...(rate === 0
      ? []
      : [
          ['videorate', 'drop-only=true'],
          [`video/x-raw(ANY),framerate=${Math.max(1, Math.round(rate * HUNDREDTHS))}/${HUNDREDTHS}`],
        ]),
    ['queue', 'leaky=downstream', 'max-size-buffers=1'],
    ['nvvidconv'],
    [`video/x-raw,format=RGBA${scaled}`],
    ['videoconvert'],
    ['video/x-raw,format=RGB'],
    ['pnmenc'],
    ['fdsink', 'fd=1'],
  ];
  return ['gst-launch-1.0', '-q', ...elements.flatMap((element, index) => (index === 0 ? element : ['!', ...element]))];
}
