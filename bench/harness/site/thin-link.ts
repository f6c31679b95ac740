import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MESSAGE_KINDS } from '../../../contract/messages/kinds.ts';
import { median } from '../../../core/statistics.ts';
import { type Modem, makeModem } from './modem.ts';
import { type Site, startSite } from './site.ts';

/** A detection as it arrived. */
interface Delivery {
  readonly seq: number;
  /** ms from the capture of the frame to the subscriber, both by the clock of this machine. */
  readonly ageMs: number;
  /** ms of `performance.now()`. */
  readonly at: number;
}

/** What became of the detections of one trial. */
export interface Deliveries {
  readonly delivered: number;
  /** Numbers that were given and never arrived. */
  readonly missing: number;
  /** Dropped, as the box counts. */
  readonly counted: number;
  readonly tooOld: number;
  readonly oldestMs: number;
  readonly medianMs: number;
  readonly resets: number;
}

const FRAMES_PER_SECOND = 10;
/** A decoder of our own: PPM frames at an even rate, so that the link is all that is in the way; of noise, which no camera's view check takes for blind. */
const DECODER = `const { randomFillSync } = require('node:crypto');
const header = Buffer.from('P6\\n64 36\\n255\\n');
setInterval(() => {
  const frame = Buffer.alloc(header.length + 64 * 36 * 3);
  header.copy(frame);
  process.stdout.write(randomFillSync(frame, header.length));
}, ${1000 / FRAMES_PER_SECOND});
`;

const EXPIRY_MS = MESSAGE_KINDS.detections.delivery.expiry.seconds * 1000;

/** A box behind a modem with a camera at 10 frames a second, its broker on this machine, and someone beside the broker who listens. */
export class ThinLink {
  readonly modem: Modem;
  readonly site: Site;
  readonly heard: Delivery[] = [];

  private constructor(modem: Modem, site: Site) {
    this.modem = modem;
    this.site = site;
    site.listener.on('detections', ({ at, message }) => {
      this.heard.push({ seq: message.seq, at, ageMs: Date.now() - Date.parse(message.capturedAt) });
    });
  }

  /** @param options.tls whether the box speaks to its broker over TLS */
  static async start(
    folder: string,
    { model, tls }: { readonly model: string; readonly tls: boolean },
  ): Promise<ThinLink> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'decoder.cjs'), DECODER);
    const modem = await makeModem();
    try {
      if (tls) await certificateFor(modem.address, folder);
      const site = await startSite({
        folder,
        model,
        camera: {
          url: 'rtsp://127.0.0.1/none',
          rate: FRAMES_PER_SECOND,
          decoder: { command: [process.execPath, join(folder, 'decoder.cjs')] },
        },
        telemetrySeconds: 2,
        outside: { address: modem.address, before: modem.inBox, tls },
      });
      const link = new ThinLink(modem, site);
      await link.working();
      return link;
    } catch (thrown) {
      await modem.remove();
      throw thrown;
    }
  }

  /** Waits for a detection that is fresh. */
  async working(): Promise<void> {
    await this.site.listener.until('detections', ({ message }) => Date.now() - Date.parse(message.capturedAt) < 1000, {
      timeoutMs: 60_000,
      what: 'a fresh detection',
    });
  }

  /** Does something to the link and says what became of the detections from then until all is well again. */
  async trial(trouble: (modem: Modem) => Promise<void>): Promise<Deliveries> {
    const before = await this.#telemetry();
    const first = this.heard.length;
    const last = this.heard.at(-1)?.seq ?? 0;
    await trouble(this.modem);
    await this.working();
    const after = await this.#telemetry();
    const heard = this.heard.slice(first);
    const ages = heard.map(({ ageMs }) => ageMs);
    return {
      delivered: heard.length,
      missing: (heard.at(-1)?.seq ?? last) - last - new Set(heard.map(({ seq }) => seq)).size,
      counted: after.detectionsDropped - before.detectionsDropped,
      tooOld: ages.filter((age) => age > EXPIRY_MS).length,
      oldestMs: Math.max(0, ...ages),
      medianMs: ages.length === 0 ? 0 : median(ages),
      resets: after.resets - before.resets,
    };
  }

  async close(): Promise<void> {
    await this.site.close();
    await this.modem.remove();
  }

  async #telemetry(): Promise<{ readonly detectionsDropped: number; readonly resets: number }> {
    const wait = { timeoutMs: 60_000, what: 'telemetry' };
    const asked = Date.now();
    const fresh = await this.site.listener.until(
      'telemetry',
      ({ message }) => Date.parse(message.publishedAt) > asked,
      wait,
    );
    return fresh.message.mqtt;
  }
}

/** A certificate that is its own authority: `tls.pem` and `tls.key`. */
async function certificateFor(address: string, folder: string): Promise<void> {
  const name = ['-subj', '/CN=broker', '-addext', `subjectAltName=IP:${address}`];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'tls.key')];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    ...key,
    ...name,
    '-days',
    '2',
    '-out',
    join(folder, 'tls.pem'),
  ]);
}
