import type { Trust } from './connect/trust.ts';

/**
 * One decoded image, the newest its camera had when it was taken.
 *
 * Whoever takes a frame owns its bytes: they are not written to before they are given back.
 */
export interface Frame {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `[height, width, 3]`, RGB, row-major, interleaved. */
  readonly data: Uint8Array;
  /** Counts the frames this camera delivered since it was started, from 0, across reconnections; gaps are frames that were dropped. */
  readonly sequence: number;
  /** Counts the connections since the camera was started, from 0: `ptsSeconds` starts anew with each. */
  readonly connection: number;
  /**
   * When the first byte of the frame reached this process, in ms of `performance.now()`: later than the exposure by what the camera,
   * the network and the decoder took (about 50 ms behind a loopback server), never earlier. RTSP promises no better time to a
   * receiver that does not trust the camera's own clock.
   */
  readonly capturedAt: number;
  /** The same moment less `lagMs`, in ms since the epoch, by the wall clock as it stood then. */
  readonly capturedAtWall: number;
  /** How far the frame was behind the camera when it came, ms; null where that is not known. */
  readonly lagMs: number | null;
  /** Presentation time in the stream, seconds since the first frame of this connection; null where the decoder does not report it. */
  readonly ptsSeconds: number | null;
}

/**
 * The size a decoder scales to. `shorterSide` keeps the aspect and never enlarges; `width` and `height` stretch to exactly that;
 * `inside` keeps the aspect and neither exceeds `[width, height]` nor enlarges; `native` leaves the camera's own size.
 */
export type WorkingSize =
  | { readonly shorterSide: number }
  | { readonly width: number; readonly height: number }
  | { readonly inside: readonly [width: number, height: number] }
  | 'native';

/** Waiting times before a new attempt: doubled after each failure from `firstMs` to `longestMs`, each drawn from the upper half of its range. */
export interface Backoff {
  /** @default 1000 */
  readonly firstMs: number;
  /** @default 30000 */
  readonly longestMs: number;
  /** A stream that lived this long starts the series anew. @default 10000 */
  readonly resetAfterMs: number;
  /** Waiting time after refused credentials or a wrong address: cameras lock accounts that hammer. @default 30000 */
  readonly refusedMs: number;
}

export type Transport = 'tcp' | 'udp' | 'auto';

export interface CameraOptions {
  /** Name of the camera in topics, logs and metrics. */
  readonly id: string;
  /** `rtsp://` or `rtsps://` address, best without credentials. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Frames a second to deliver, as an average; 0 delivers all. */
  readonly rate: number;
  readonly workingSize: WorkingSize;
  /**
   * How RTP travels. UDP loses packets silently and needs open ports, and is for cameras that have nothing else; `auto` asks for TCP and takes
   * UDP where the camera refuses it. @default 'tcp'
   */
  readonly transport?: Transport;
  /** Whom a certificate of `rtsps://` is checked against. */
  readonly trust?: Trust;
  /** For the camera to be reached and to describe itself, and again for the decoder to be answered. @default 15000 */
  readonly connectMs?: number;
  /** No frame for this long while live: the decoder is killed and started anew. A camera that is known to be slower is given longer. @default 3000 */
  readonly stallMs?: number;
  /** No first frame for this long after the start of the decoder: the same. @default 10000 beyond `connectMs` */
  readonly firstFrameMs?: number;
  /** A decoder whose frames are further behind the camera is started anew, or asked for less. @default 2000 */
  readonly maxLagMs?: number;
  readonly backoff?: Partial<Backoff>;
  /** Resident memory of the decoder and its children above which it is replaced; looked at by `check()`. @default 512 MiB */
  readonly memoryLimitBytes?: number;
  /**
   * Another decoder than the system's ffmpeg. A command of one element is an ffmpeg program; a longer one is run as it stands
   * (`gst-launch-1.0 ...`) and must write binary PPM frames to its stdout; `{url}` in an argument becomes the address *with* its
   * credentials, which other users of the machine can then read in the process list.
   */
  readonly decoder?: { readonly command: readonly string[] };
  /** What decodes, where ffmpeg or GStreamer may be chosen for it. @default 'auto' */
  readonly decode?: DecodeChoice;
}

/** `auto`: hardware where a device is there and decodes this stream, else software. */
export type DecodeChoice = 'auto' | DecodeKind;

/** `v4l2`: memory-to-memory devices of the kernel. `jetson`: NVIDIA's, by ffmpeg or GStreamer. */
export type DecodeKind = 'software' | 'v4l2' | 'jetson';

/** Codecs that hardware decodes, as ffmpeg calls them. */
export type VideoCodec = 'h264' | 'hevc';

/** What decodes a camera. */
export interface ChosenDecoder {
  readonly kind: DecodeKind;
  readonly program: 'ffmpeg' | 'gstreamer';
  /** `h264`, `h264_v4l2m2m`, `nvv4l2decoder` */
  readonly decoder: string;
  /** Why it is not the hardware that was asked for, or that is there; null: it is, or there is none. */
  readonly reason: string | null;
}

/**
 * - `connecting`: a decoder is starting or has not delivered yet, or waits after a failure
 * - `live`: frames arrive
 * - `stalled`: frames arrived and ceased, until they arrive again
 * - `refused`: the camera answers, and denies the credentials or the path; retried slowly
 * - `stopped`: `stop()` was called
 */
export type CameraState = 'connecting' | 'live' | 'stalled' | 'refused' | 'stopped';

export interface CameraStatus {
  readonly id: string;
  readonly state: CameraState;
  /** Why the state is not `live`, redacted; while live, the first of `concerns`. */
  readonly reason?: CameraReason;
  /** When this state began, ms since the epoch. */
  readonly since: number;
  /** Frames a second that the decoder received from the camera, over the last 5 s. */
  readonly fpsIn: number;
  /** Frames a second that were taken with `takeFrame`, over the last 5 s. */
  readonly fpsAnalysed: number;
  /** Frames decoded since the start, as far as the decoder reports them. */
  readonly received: number;
  /** Frames taken since the start. */
  readonly analysed: number;
  /** Frames delivered by the decoder and replaced by a newer one before anyone took them, since the start. */
  readonly dropped: number;
  /** ms since the last frame arrived; null before the first. */
  readonly lastFrameAgeMs: number | null;
  /** Without a frame for so long a decoder that is live is replaced: the stall time, or what a slow camera needs. */
  readonly silenceAllowedMs: number;
  /** ms that the last frame was behind the camera when it came; null while that is not known. */
  readonly lagMs: number | null;
  /** What the camera shows; null while that was not looked at for long enough. */
  readonly view: View | null;
  /**
   * When what is wrong with the view began, ms of `performance.now()`: before it was noticed, so what was counted since then was not seen. Null while
   * nothing is known to be wrong.
   */
  readonly viewSince: number | null;
  /** What is wrong although it is live, worst first. */
  readonly concerns: readonly CameraReason[];
  /** What decodes it; null before the first frame, and where its command is of another kind. */
  readonly decoder: ChosenDecoder | null;
  /** Decoders started beyond the first. */
  readonly reconnects: number;
}

/** Whether what a camera shows can be believed to be the street. */
export type View = 'ok' | 'frozen' | 'dark' | 'covered' | 'test-pattern' | 'moved' | 'blurred';

/** `code` is one of `core/error-codes.ts`. */
export interface CameraReason {
  readonly code:
    | 'CAMERA_REFUSED'
    | 'CAMERA_LOST'
    | 'CAMERA_NOT_RTSP'
    | 'CAMERA_NO_VIDEO'
    | 'CAMERA_TRANSPORT'
    | 'CAMERA_REDIRECT'
    | 'CAMERA_TLS'
    | 'CAMERA_BEHIND'
    | 'CAMERA_CLOCK'
    | 'CAMERA_VIEW'
    | 'DECODER_UNAVAILABLE';
  /** One line, without credentials. */
  readonly message: string;
}

/** What a camera tells: both are called from the event loop, never from within `startCamera`. */
export interface CameraListeners {
  /** A frame newer than the last one waits: fetch it with `takeFrame()`, now or when there is time for it. */
  readonly onFrame?: () => void;
  /** The state or its reason changed. */
  readonly onStatus?: (status: CameraStatus) => void;
}

export interface Camera {
  readonly id: string;
  /** The situation at this moment. */
  status(): CameraStatus;
  /** The newest frame that was not taken yet, which is then the caller's; undefined when there is none. */
  takeFrame(): Frame | undefined;
  /** Lets the memory of a taken frame be filled again; its taker must not read it any more. Nobody has to call this. */
  giveBack(data: Uint8Array): void;
  /** What it shows from now on is what it is meant to show: a camera that was turned on purpose. */
  renewView(): void;
  /** For a drill: shows the next image for so long, ms, whatever comes; 0 ends that. */
  holdImage(forMs: number): void;
  /** Replaces a decoder that has grown too large. To be called about twice a second. */
  check(): void;
  /** Kills the decoder and resolves when it is gone. Can be called again. */
  stop(): Promise<void>;
}
