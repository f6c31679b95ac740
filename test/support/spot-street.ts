import { rawFrameSource } from '../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, type RtspServerOptions, startRtspServer } from '../../demo/rtsp/server.ts';

const SIDE = 128;
/** Two cells of the spot detector, whose input is half as wide. */
const SPOT = 16;
const FPS = 20;

interface SpotStreet {
  /** Left edges of the columns in which spots go down, pixels, in steps of 16. */
  readonly columns: readonly number[];
  /** @default white */
  readonly colour?: readonly [red: number, green: number, blue: number];
  /** From above the image to below it. */
  readonly seconds: number;
}

/** Spots that go down a dim wall again and again, evenly one after the other, with a noise that no image is without. */
function goingDown({ columns, seconds, colour = [255, 255, 255] }: SpotStreet): (index: number) => Uint8Array {
  const frames = seconds * FPS;
  return (index) => {
    const data = new Uint8Array(SIDE * SIDE * 3);
    for (let i = 0; i < data.length; i++) data[i] = 18 + ((i * 7919 + index * 104_729) % 11);
    for (const [column, left] of columns.entries()) {
      const at = ((index + (column * frames) / columns.length) % frames) / frames;
      const top = Math.floor(at * (SIDE + SPOT)) - SPOT;
      for (let y = Math.max(0, top); y < Math.min(SIDE, top + SPOT); y++)
        for (let x = left; x < left + SPOT; x++) data.set(colour, (y * SIDE + x) * 3);
    }
    return data;
  };
}

/** A real RTSP camera, 128x128 and 20 frames a second, for the spot detector. */
export async function startSpotCamera(
  street: SpotStreet,
  options: Omit<RtspServerOptions, 'source'> = {},
): Promise<RtspServer> {
  const source = rawFrameSource({ width: SIDE, height: SIDE, fps: FPS, render: goingDown(street) });
  return await startRtspServer({ source, ...options });
}

/** A line across the middle of the image; what goes down passes it forward. */
export const GATE = { id: 'gate', from: [0, 0.5], to: [1, 0.5] };
