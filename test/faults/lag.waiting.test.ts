import { expect, it, onTestFinished } from 'vitest';
import type { Frame } from '../../daemon/camera/types.ts';
import { rawFrameSource } from '../../demo/rtsp/raw-frame-source.ts';
import { startRtspServer } from '../../demo/rtsp/server.ts';
import { colourBars, shownIndex } from '../support/colour-bars.ts';
import { describeWith } from '../support/requirements.ts';
import { shareToDecode, throttledDecoder } from '../support/throttled-decoder.ts';
import { watchCamera } from '../support/watched-camera.ts';

const [WIDTH, HEIGHT] = [1280, 720];
/** What may pass between a frame's arrival and this test's look at it, and a frame's own way through encoder and decoder. */
const SLACK_MS = 600;

describeWith({ needs: ['ffmpeg', 'setpriv', 'bash'] }, 'a decoder that is slower than its camera', () => {
  it.each([
    ['half as fast', 0.5],
    ['three quarters as fast', 0.75],
  ])('is never more than 3 s behind without a word: %s', async (_, ofNeed) => {
    const sent = new Map<number, number>();
    const source = rawFrameSource({
      width: WIDTH,
      height: HEIGHT,
      fps: 25,
      render: (index) => colourBars(WIDTH, HEIGHT, index),
    });
    const server = await startRtspServer({ source });
    onTestFinished(() => server.close());
    server.onFrameSent(({ index, at }) => sent.set(index, at));
    const decoder = await throttledDecoder(ofNeed * (await shareToDecode(server.url)));
    onTestFinished(() => decoder.remove());

    const epoch = Date.now() - performance.now();
    const found = {
      frames: 0,
      longestUnsaid: 0,
      longest: 0,
      longestStart: 0,
      worstCapture: Number.NEGATIVE_INFINITY,
      told: new Set<string>(),
    };
    const leastLag = new Map<number, number>();
    const look = (frame: Frame, said: readonly string[]): void => {
      const takenAt = sent.get(shownIndex(frame));
      if (takenAt === undefined) return; // a garbled index
      const lag = frame.capturedAt - takenAt;
      // How much of its start the first frames of a connection waited is said, as what it may be, and is not measured.
      const least = Math.min(lag, leastLag.get(frame.connection) ?? lag);
      leastLag.set(frame.connection, least);
      found.frames++;
      found.longest = Math.max(found.longest, lag);
      found.longestStart = Math.max(found.longestStart, least);
      if (said.length === 0) found.longestUnsaid = Math.max(found.longestUnsaid, lag);
      if (frame.lagMs === null) return; // the first of a connection, whose time is lost
      // Never fresher than it is; earlier it may be, where this machine encodes late: time is by the camera's own timestamps.
      found.worstCapture = Math.max(found.worstCapture, frame.capturedAtWall - epoch - takenAt - least);
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
      `    ${JSON.stringify({ ...found, told: [...found.told], status: watched.camera.status() })}\n`,
    );
    expect(found.frames).toBeGreaterThan(5);
    expect(found.longestUnsaid).toBeLessThan(3000);
    expect([...found.told].filter((each) => each.startsWith('CAMERA_BEHIND'))).not.toEqual([]);
    expect(found.worstCapture).toBeLessThan(SLACK_MS);
  });
});
