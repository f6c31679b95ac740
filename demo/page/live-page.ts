import type { DetectionsMessage } from '../../contract/messages/detections.ts';
import type { CameraOptions } from '../../daemon/camera/types.ts';
import type { Line } from '../../daemon/vision/line-counter.ts';
import { EventStream } from '../../daemon/web/event-stream.ts';
import { startWebServer, type WebServer } from '../../daemon/web/server.ts';
import type { Board } from '../board.ts';
import type { ViewState } from '../view/state.ts';
import { pageView } from './page-view.ts';
import { RecentImages } from './recent-images.ts';

interface LivePageOptions {
  /** Where images come from while somebody looks. */
  readonly camera: Omit<CameraOptions, 'id' | 'workingSize'>;
  readonly port?: number | undefined;
  /** Drawn on the image. */
  readonly lines: readonly Line[];
}

const VIEW_MS = 500;
/** ms between two messages of one topic. */
const MESSAGE_MS = 500;
/** Characters of a message that are shown. */
const LONGEST_MESSAGE = 6000;

/** The page of the demonstration: what the terminal shows, with the live image. */
export class LivePage {
  readonly #port: number | undefined;
  readonly #lines: readonly Line[];
  readonly #events = new EventStream();
  readonly #images: RecentImages;
  readonly #lastMessages = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #server: WebServer | undefined;

  constructor({ camera, port, lines }: LivePageOptions) {
    this.#lines = lines;
    this.#images = new RecentImages(camera);
    this.#port = port;
  }

  /** @returns the page's address. @throws {WaysideError} LISTEN_FAILED */
  async start(): Promise<string> {
    this.#server = await startWebServer({ events: this.#events, port: this.#port });
    this.#events.onReaders((count) => void this.#images.want(count > 0));
    return this.#server.url;
  }

  /** Tells readers from now on what `view` gives. */
  show(view: () => ViewState): void {
    this.#timer = setInterval(() => this.#events.retained('view', pageView(view())), VIEW_MS);
  }

  /** Draws a result on the image of its moment. */
  detections(message: DetectionsMessage, { regions, objects }: Pick<Board, 'regions' | 'objects'>): void {
    const image = this.#events.readers === 0 ? undefined : this.#images.nearest(Date.parse(message.capturedAt));
    if (image === undefined) return;
    this.#events.latest('frame', {
      image: image.data,
      capturedAt: message.capturedAt,
      regions: message.regions.map(({ region, box, polygon }, i) => ({
        region,
        box,
        ...(polygon && { polygon }),
        class: regions[i]?.class ?? null,
        score: regions[i]?.score ?? 0,
      })),
      objects: objects ?? [],
      lines: this.#lines,
    });
  }

  message(topic: string, payload: Buffer): void {
    const now = performance.now();
    if (this.#events.readers === 0 || now - (this.#lastMessages.get(topic) ?? -MESSAGE_MS) < MESSAGE_MS) return;
    this.#lastMessages.set(topic, now);
    this.#events.latest('message', { topic, receivedAt: new Date().toISOString(), text: indented(payload) });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#server?.close();
    await this.#images.want(false);
  }
}

/** JSON as a person reads it; anything else as it came. */
function indented(payload: Buffer): string {
  const text = payload.toString('utf8');
  try {
    return JSON.stringify(JSON.parse(text), null, 2).slice(0, LONGEST_MESSAGE);
  } catch {
    return text.slice(0, LONGEST_MESSAGE);
  }
}
