import { type RtspServer, startRtspServer } from '../../../demo/rtsp/server.ts';
import { videoFileSource } from '../../../demo/rtsp/video-file-source.ts';

type Credentials = NonNullable<Parameters<typeof startRtspServer>[0]['credentials']>;

/** A loopback camera at one address, which can be switched off and on again. */
export class LoopbackCamera {
  readonly #clip: string;
  readonly #port: number;
  #server: RtspServer | undefined;

  constructor(clip: string, port: number) {
    this.#clip = clip;
    this.#port = port;
  }

  get server(): RtspServer {
    if (this.#server === undefined) throw new Error('the camera is switched off');
    return this.#server;
  }

  async on(credentials?: Credentials): Promise<void> {
    const source = await videoFileSource(this.#clip);
    this.#server = await startRtspServer({ source, port: this.#port, ...(credentials && { credentials }) });
  }

  async off(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }
}
