import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { DecodeChoice, DecodeKind, VideoCodec } from '../types.ts';

/** One way to decode a stream; `decoder` as that program calls it. */
export type DecodeRoute =
  | { readonly kind: DecodeKind; readonly program: 'ffmpeg'; readonly decoder: string }
  | { readonly kind: 'jetson'; readonly program: 'gstreamer'; readonly decoder: string; readonly codec: VideoCodec };

/** The decoder that ffmpeg takes by itself. */
export const softwareRoute = (codec: VideoCodec | undefined): DecodeRoute => ({
  kind: 'software',
  program: 'ffmpeg',
  decoder: codec ?? 'software',
});

/** Device nodes that a kind of hardware cannot do without. */
const DEVICES: Readonly<Record<Exclude<DecodeKind, 'software'>, RegExp>> = {
  jetson: /^(nvhost-nvdec\d*|v4l2-nvdec|nvmap)$/,
  v4l2: /^video\d+$/,
};

/**
 * What hardware could decode a stream, best first: on a Jetson the ffmpeg of NVIDIA, that of the community, and GStreamer, which JetPack
 * brings but which shows an address with its password in the process list; on other boards the kernel's memory-to-memory devices.
 */
const HARDWARE: readonly ((codec: VideoCodec) => DecodeRoute)[] = [
  (codec) => ({ kind: 'jetson', program: 'ffmpeg', decoder: `${codec}_nvv4l2dec` }),
  (codec) => ({ kind: 'jetson', program: 'ffmpeg', decoder: `${codec}_nvmpi` }),
  (codec) => ({ kind: 'jetson', program: 'gstreamer', decoder: 'nvv4l2decoder', codec }),
  (codec) => ({ kind: 'v4l2', program: 'ffmpeg', decoder: `${codec}_v4l2m2m` }),
];

/** What is known of a machine. */
export interface Machine {
  /** Names in /dev. */
  readonly devices: () => Promise<readonly string[]>;
  /** Whether a program has a decoder of that name. */
  readonly has: (route: DecodeRoute, ffmpeg: string) => Promise<boolean>;
}

const WAIT_MS = 20_000;
const run = promisify(execFile);

export const THIS_MACHINE: Machine = {
  devices: () => readdir('/dev'),
  async has({ program, decoder }, ffmpeg) {
    try {
      if (program === 'gstreamer')
        await run('gst-inspect-1.0', ['--exists', decoder], { timeout: WAIT_MS, maxBuffer: 1 << 22 });
      else {
        // It ends with 0 either way.
        const { stdout } = await run(ffmpeg, ['-hide_banner', '-h', `decoder=${decoder}`], { timeout: WAIT_MS });
        return stdout.includes(`Decoder ${decoder} `);
      }
      return true;
    } catch {
      return false; // the program is not there, or does not know it
    }
  },
};

/** What is worth a try, best first, and why the others are not. */
interface Candidates {
  readonly routes: readonly DecodeRoute[];
  readonly missing: readonly string[];
}

/**
 * @param wanted `auto` looks only where there is a device, and says nothing where there is none; a kind that is named says what is missing
 * @param secret the address bears a password: a route that shows it is taken only where its kind is named
 */
export async function candidates(
  { wanted, codec, ffmpeg, secret }: { wanted: DecodeChoice; codec: VideoCodec; ffmpeg: string; secret: boolean },
  machine: Machine,
): Promise<Candidates> {
  const devices = wanted === 'auto' ? await machine.devices() : [];
  const routes: DecodeRoute[] = [];
  const missing: string[] = [];
  for (const route of HARDWARE.map((of) => of(codec))) {
    const { kind, program, decoder } = route;
    if (kind === 'software') continue;
    if (wanted === 'auto' ? !devices.some((name) => DEVICES[kind].test(name)) : kind !== wanted) continue;
    if (!(await machine.has(route, ffmpeg))) missing.push(`${decoder}: ${program} here has no such decoder`);
    else if (secret && program === 'gstreamer' && wanted === 'auto')
      missing.push(`${decoder}: GStreamer would show the password in the process list; \`decode: ${kind}\` allows it`);
    else routes.push(route);
  }
  return { routes, missing };
}
