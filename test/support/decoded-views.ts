import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { filterGraph } from '../../daemon/camera/filter.ts';
import { FrameTimes } from '../../daemon/camera/frame-times.ts';
import { PpmParser } from '../../daemon/camera/ppm.ts';
import { ViewCheck } from '../../daemon/camera/view/view.ts';

/**
 * What the check of views says of a video, and when (s of the video); decoded as a camera is, faster than it plays.
 *
 * @param change a filter of ffmpeg: what happens to the camera
 */
export async function decodedViews(
  input: readonly string[],
  { rate = 5, shorterSide = 224, change = 'null' } = {},
): Promise<{ readonly view: string; readonly at: number }[]> {
  const filter = `${change},${filterGraph({ rate, size: { shorterSide }, report: 'descriptor' })}`;
  const output = [
    '-vf',
    filter,
    '-fps_mode',
    'passthrough',
    '-c:v',
    'ppm',
    '-f',
    'image2pipe',
    '-flush_packets',
    '1',
    'pipe:1',
  ];
  const child = spawn('ffmpeg', ['-nostdin', '-loglevel', 'error', '-threads', '1', ...input, '-an', ...output], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const [images, lines] = [child.stdio[1] as Readable, child.stdio[3] as Readable];
  const check = new ViewCheck();
  const views: { view: string; at: number }[] = [];
  // Both pipes are read to the end first: they are not in step with each other, and a test has time.
  const grids: Uint8Array[] = [];
  const shapes: { width: number; height: number }[] = [];
  const events: { readonly kind: 'key' | 'frame'; readonly at: number }[] = [];
  const parser = new PpmParser({
    allocate: (bytes) => new Uint8Array(bytes),
    onFrame: ({ width, height, data }) => {
      grids.push(data);
      shapes.push({ width, height });
    },
  });
  let latest = 0;
  const times = new FrameTimes({
    onReceived: (raw) => {
      latest = raw ?? 0;
    },
    onKeyframe: () => events.push({ kind: 'key', at: latest }),
  });
  images.on('data', (chunk: Buffer) => parser.push(chunk, 0));
  lines.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split(/(?<=\n)/)) {
      const before = times.hasNext;
      times.pushDescriptor(line);
      if (!before && times.hasNext) events.push({ kind: 'frame', at: times.takeNext().raw ?? 0 });
    }
  });
  await once(child, 'close');
  let shown = 0;
  for (const { kind, at } of events) {
    if (kind === 'key') check.keyframe();
    else if (grids[shown] !== undefined) {
      check.add(at * 1000, { ...shapes[shown]!, data: grids[shown]! });
      shown++;
      if (check.view !== null && check.view !== views.at(-1)?.view) views.push({ view: check.view, at });
    }
  }
  return views;
}
