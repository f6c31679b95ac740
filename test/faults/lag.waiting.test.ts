import { expect, it, onTestFinished } from 'vitest';
import type { Frame } from '../../daemon/camera/types.ts';
import { rawFrameSource } from '../../demo/rtsp/raw-frame-source.ts';
import { startRtspServer } from '../../demo/rtsp/server.ts';
import { colourBars, shownIndex } from '../support/colour-bars.ts';
import { describeWith } from '../support/requirements.ts';
import { READS_AT_A_RATE, throttledDecoder } from '../support/throttled-decoder.ts';
import { watchCamera } from '../support/watched-camera.ts';

const [WIDTH, HEIGHT] = [320, 180];
const FPS = 25;
/** What may pass between a frame's arrival and this test's look at it. */
const SLACK_MS = 600;

describeWith({ needs: ['ffmpeg', READS_AT_A_RATE] }, 'a decoder that is slower than its camera', () => {
  it.each([
    ['half as fast', 0.5],
    ['three quarters as fast', 0.75],
  ])('is never more than 3 s behind without a word: %s', async (_, speed) => {
    const sent = new Map<number, number>();
    /** ms, when frame 0 was due: an encoder may be late, never early. Frames carry their due times, not the times of sending. */
    let origin = Number.POSITIVE_INFINITY;
    const source = rawFrameSource({
      width: WIDTH,
      height: HEIGHT,
      fps: FPS,
      render: (index) => colourBars(WIDTH, HEIGHT, index),
    });
    const server = await startRtspServer({ source });
    onTestFinished(() => server.close());
    server.onFrameSent(({ index, at, pts }) => {
      sent.set(index, at);
      origin = Math.min(origin, at - pts * 1000);
    });
    const decoder = await throttledDecoder(speed);
    onTestFinished(() => decoder.remove());

    const epoch = Date.now() - performance.now();
    const found = {
      frames: 0,
      longestUnsaid: 0,
      longest: 0,
      longestStart: 0,
      told: new Set<string>(),
    };
    const leastLag = new Map<number, number>();
    const dated: { readonly frame: Frame; readonly pts: number }[] = [];
    const look = (frame: Frame, said: readonly string[]): void => {
      const index = shownIndex(frame);
      const takenAt = sent.get(index);
      if (takenAt === undefined) return; // a garbled index
      dated.push({ frame, pts: index / FPS });
      const lag = frame.capturedAt - takenAt;
      // How much of its start the first frames of a connection waited is said, as what it may be, and is not measured.
      const least = Math.min(lag, leastLag.get(frame.connection) ?? lag);
      leastLag.set(frame.connection, least);
      found.frames++;
      found.longest = Math.max(found.longest, lag);
      found.longestStart = Math.max(found.longestStart, least);
      if (said.length === 0) found.longestUnsaid = Math.max(found.longestUnsaid, lag);
    };
    /** ms by which a frame was said to be fresher than it was, at worst: by the camera's own timestamps, which is all that it can be known by. */
    const worstCapture = (): number => {
      const least = new Map<number, number>();
      let worst = Number.NEGATIVE_INFINITY;
      for (const { frame, pts } of dated) {
        const due = origin + pts * 1000;
        const waited = Math.min(frame.capturedAt - due, least.get(frame.connection) ?? Number.POSITIVE_INFINITY);
        least.set(frame.connection, waited);
        if (frame.lagMs === null) continue; // the first of a connection, whose time is lost
        worst = Math.max(worst, frame.capturedAtWall - epoch - due - waited);
      }
      return worst;
    };
    const watched = watchCamera({
      url: server.url,
      decoder: { command: decoder.command },
      rate: 5,
      workingSize: { shorterSide: 240 },
    });
    onTestFinished(() => watched.camera.stop());
    const started = performance.now();
    let looked = 0;
    await watched.until(
      'a minute',
      () => {
        const { concerns, state } = watched.camera.status();
        for (const { code, message } of concerns) found.told.add(`${code}: ${message}`);
        for (; looked < watched.frames.length; looked++)
          look(watched.frames[looked]!, state === 'live' ? concerns.map(({ code }) => code) : ['not live']);
        return performance.now() > started + 60_000;
      },
      90_000,
    );
    process.stdout.write(
      `    ${JSON.stringify({ ...found, told: [...found.told], freshest: worstCapture(), status: watched.camera.status() })}\n`,
    );
    expect(found.frames).toBeGreaterThan(5);
    expect(found.longestUnsaid).toBeLessThan(3000);
    expect([...found.told].filter((each) => each.startsWith('CAMERA_BEHIND'))).not.toEqual([]);
    expect(worstCapture()).toBeLessThan(SLACK_MS);
  });
});
