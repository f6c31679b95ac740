import { CameraFault } from './fault.ts';

/** An answer of RTSP/1.0 (RFC 2326 section 7). */
export interface RtspAnswer {
  readonly status: number;
  readonly phrase: string;
  /** By name in lower case; a header that came several times has several values. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

/** Cameras send some hundred bytes. */
const LONGEST_HEADER = 64 * 1024;
const LONGEST_BODY = 256 * 1024;

/** Collects one answer from what a camera sends, within limits. */
export class AnswerReader {
  #bytes = Buffer.alloc(0);

  /**
   * @returns the answer once it is complete; what follows it stays for the next
   * @throws {CameraFault} CAMERA_NOT_RTSP
   */
  push(chunk: Uint8Array): RtspAnswer | undefined {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const start = this.#bytes.toString('latin1', 0, 5);
    if (!'RTSP/'.startsWith(start)) throw notRtsp(this.#bytes);
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end > LONGEST_HEADER || (end < 0 && this.#bytes.length > LONGEST_HEADER)) {
      throw new CameraFault('CAMERA_NOT_RTSP', 'the header of its answer does not end within 64 KiB');
    }
    if (end < 0) return undefined;
    const { status, phrase, headers } = parseHeader(this.#bytes.toString('utf8', 0, end));
    const length = Number(headers.get('content-length')?.[0] ?? 0);
    if (!(length >= 0 && length <= LONGEST_BODY)) {
      throw new CameraFault('CAMERA_NOT_RTSP', 'its answer claims an impossible length');
    }
    const whole = end + 4 + length;
    if (this.#bytes.length < whole) return undefined;
    const body = this.#bytes.toString('utf8', end + 4, whole);
    this.#bytes = this.#bytes.subarray(whole);
    return { status, phrase, headers, body };
  }
}

function parseHeader(text: string): Omit<RtspAnswer, 'body'> {
  const [first = '', ...lines] = text.split('\r\n');
  const start = /^RTSP\/\d\.\d (\d{3})(?: (.*))?$/.exec(first);
  if (start === null) throw notRtsp(Buffer.from(first));
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return { status: Number(start[1]), phrase: printable(start[2] ?? ''), headers };
}

function notRtsp(bytes: Buffer): CameraFault {
  const text = bytes.toString('latin1', 0, 200);
  const what = /^HTTP\/|^\s*<(!doctype|html)/i.test(text)
    ? 'a web server answers there (HTTP or HTML), not a camera'
    : `what answers there does not speak RTSP: ${JSON.stringify(printable(text).slice(0, 24))}`;
  return new CameraFault('CAMERA_NOT_RTSP', what);
}

/** Fit for one line of a log: what a camera sends is not ours. */
export function printable(text: string): string {
  return text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 80);
}
