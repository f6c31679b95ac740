import { startCamera } from '../../daemon/camera/camera.ts';
import type { Frame } from '../../daemon/camera/types.ts';
import { cpuSeconds } from '../harness/process/tree.ts';

// node dist/bench/bare/camera.js URL WIDTH HEIGHT FRAMES
// The daemon's way from RTSP to a frame in memory and nothing behind it: prints the CPU seconds of this process and its decoder over
// so many frames after a warm-up, and when each of them arrived.
const [, , url = '', width = '', height = '', count = ''] = process.argv;
const WARM_UP_FRAMES = 50;

const arrivals: { ptsSeconds: number | null; capturedAtWall: number; deliveredAtWall: number }[] = [];
let before = 0;
let seen = 0;
await new Promise<void>((resolve) => {
  const onFrame = async (frame: Frame): Promise<void> => {
    seen++;
    if (seen === WARM_UP_FRAMES) before = await cpuSeconds(process.pid);
    if (seen <= WARM_UP_FRAMES) return;
    const { ptsSeconds, capturedAtWall } = frame;
    arrivals.push({ ptsSeconds, capturedAtWall, deliveredAtWall: performance.timeOrigin + performance.now() });
    if (seen === WARM_UP_FRAMES + Number(count)) resolve();
  };
  const camera = startCamera(
    { id: 'bench', url, rate: 0, workingSize: { width: Number(width), height: Number(height) } },
    { onFrame: () => void onFrame(camera.takeFrame()!) },
  );
});
const used = (await cpuSeconds(process.pid)) - before;
process.stdout.write(JSON.stringify({ cpuSeconds: used, arrivals }), () => process.exit());
