import type { CameraReason } from './types.ts';

/** What words of ffmpeg mean, where its last line is of no use: the first that fits. */
const MEANINGS: readonly (readonly [words: RegExp, code: CameraReason['code'], meaning: string])[] = [
  [
    /461 Unsupported|Nonmatching transport/i,
    'CAMERA_TRANSPORT',
    'the camera refuses this transport: see `transport` (461 Unsupported transport)',
  ],
  [/does not contain any stream/i, 'CAMERA_NO_VIDEO', 'the camera offers no video'],
  [/Could not find codec parameters|unspecified size/i, 'CAMERA_LOST', 'no video arrived'],
  [/Connection timed out/i, 'CAMERA_LOST', 'the camera did not answer in time'],
];

/** Where it was the daemon, its own reason stands. */
const KILLED = 'the decoder was killed (SIGKILL): by the kernel, where memory has run out, or by a person';

/** What the last words of a decoder mean. ffmpeg ends with 0 and in silence when a camera closes the connection. */
export function reasonFor(said: string, code: number | null, signal: NodeJS.Signals | null): CameraReason {
  const lines = said.split('\n').map((line) => line.replace(/^(\[[^\]]*\]\s*)+/, '').trim());
  const denied = lines.find((line) =>
    /\b(401 Unauthorized|403 Forbidden|404 (Stream )?Not Found|40[134])\b|Unauthorized/.test(line),
  );
  if (denied !== undefined) return { code: 'CAMERA_REFUSED', message: denied.slice(0, 200) };
  for (const [words, meant, message] of MEANINGS) if (words.test(said)) return { code: meant, message };
  const last = lines
    .filter((line) => line !== '')
    .at(-1)
    ?.slice(0, 200);
  if (signal === 'SIGKILL') return { code: 'CAMERA_LOST', message: KILLED };
  if (signal !== null) return { code: 'CAMERA_LOST', message: `the decoder crashed (${signal})` };
  const ended = code === 0 || code === null ? 'the camera ended the stream' : 'no stream from the camera';
  return { code: 'CAMERA_LOST', message: last === undefined ? ended : `${ended}: ${last}` };
}
