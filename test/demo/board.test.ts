import { describe, expect, it } from 'vitest';
import type { DetectionsMessage } from '../../contract/messages/detections.ts';
import { Board } from '../../demo/board.ts';

const FPS = 12;
const BEGIN = Date.parse('2026-03-01T12:00:00.000Z');

const truthOf = (index: number) => [{ class: index % 2 === 0 ? ('car' as const) : ('bus' as const), contested: false }];

/** A camera whose clients began to receive at some frames of the scene, each frame sent at its time. */
function boardWith(sessions: readonly number[], frames: number): Board {
  const board = new Board({ truthFps: FPS });
  for (const firstFrame of sessions)
    board.report({ type: 'session', firstFrame, at: BEGIN + (firstFrame * 1000) / FPS });
  for (let index = 0; index < frames; index++)
    board.report({ type: 'frame', index, at: BEGIN + (index * 1000) / FPS, truth: truthOf(index) });
  return board;
}

/** @param captured ms after the frame was sent at which the box says that it got it */
const detected = (session: number, index: number, captured: number): DetectionsMessage =>
  ({
    seq: 0,
    capturedAt: new Date(BEGIN + (index * 1000) / FPS + captured).toISOString(),
    frame: { ptsSeconds: (index - session) / FPS },
    latencyMs: { total: 5 },
    regions: [{ region: 'road', box: [0, 0, 1, 1], classes: [{ class: 'car', classIndex: 0, score: 0.9 }] }],
  }) as unknown as DetectionsMessage;

const seenBy = (board: Board, message: DetectionsMessage) => {
  board.detections(message, Date.parse(message.capturedAt) + 50);
  return board.regions[0]?.truth?.class ?? null;
};

describe('the truth of a frame that was analysed', () => {
  it('is that of the frame which the box got, late as it may be', () => {
    for (const late of [0, 5, 200, 3000]) expect(seenBy(boardWith([0], 60), detected(0, 31, late))).toBe('bus');
  });

  it('is found as well where the box says that it got the frame up to 200 ms before the camera says that it was sent', () => {
    for (const sooner of [5, 100, 199]) expect(seenBy(boardWith([0], 60), detected(0, 31, -sooner))).toBe('bus');
    const board = boardWith([0], 60);
    for (const sooner of [201, 1000]) expect(seenBy(board, detected(0, 31, -sooner))).toBeNull();
    expect(board.accuracy).toMatchObject({ n: 0, unmatchedFrames: 2 });
  });

  it('is that of the session whose frame left when the box got it, of several', () => {
    // Counted from the page's session the same time in the stream is frame 46, from that of the box frame 31.
    const board = boardWith([0, 15], 100);
    expect(seenBy(board, detected(0, 31, 20))).toBe('bus');
    expect(seenBy(board, detected(15, 46, 20))).toBe('car');
    expect(seenBy(board, detected(15, 46, -190))).toBe('car');
  });

  it('is unknown of a frame that was not sent, and without a time in the stream', () => {
    const board = boardWith([0], 30);
    expect(seenBy(board, detected(0, 31, 0))).toBeNull();
    const message = detected(0, 11, 0);
    expect(seenBy(board, { ...message, frame: { ...message.frame, ptsSeconds: null } })).toBeNull();
  });
});
