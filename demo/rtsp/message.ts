/** A request of RTSP/1.0 (RFC 2326 section 6). */
export interface RtspRequest {
  readonly method: string;
  readonly url: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

const LONGEST_HEADER = 16_384;

/**
 * Cuts what a client sends into requests, passing over interleaved packets (receiver reports) and request bodies.
 *
 * @throws {Error} on what is not RTSP: the connection is of no more use
 */
export class RequestReader {
  readonly #deliver: (request: RtspRequest) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(deliver: (request: RtspRequest) => void) {
    this.#deliver = deliver;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let taken = this.#take(); taken > 0; taken = this.#take()) this.#rest = this.#rest.subarray(taken);
  }

  /** Handles what stands first, if it is complete, and says how many bytes it took. */
  #take(): number {
    const bytes = this.#rest;
    if (bytes[0] === 0x24) {
      if (bytes.length < 4) return 0;
      const size = 4 + bytes.readUInt16BE(2);
      return bytes.length < size ? 0 : size;
    }
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      if (bytes.length > LONGEST_HEADER) throw new Error('no end of an RTSP header in 16 KiB');
      return 0;
    }
    const request = parseRequest(bytes.toString('latin1', 0, end));
    const body = Number(request.headers.get('content-length') ?? 0);
    if (!(body >= 0 && body <= LONGEST_HEADER)) throw new Error('a request body of impossible size');
    if (bytes.length < end + 4 + body) return 0;
    this.#deliver(request);
    return end + 4 + body;
  }
}

function parseRequest(text: string): RtspRequest {
  const [first = '', ...lines] = text.replace(/^(\r\n)+/, '').split('\r\n');
  const start = /^([A-Z_]+) (\S+) RTSP\/1\.\d$/.exec(first);
  if (start === null) throw new Error('not an RTSP request');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { method: start[1]!, url: start[2]!, headers: new Map(headers) };
}

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  302: 'Moved Temporarily',
  401: 'Unauthorized',
  404: 'Not Found',
  454: 'Session Not Found',
  455: 'Method Not Valid in This State',
  461: 'Unsupported Transport',
  501: 'Not Implemented',
};

export interface RtspResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A complete answer, with the `CSeq` of its question. */
export function formatResponse(request: RtspRequest, { status, headers = {}, body = '' }: RtspResponse): string {
  const lines = [`RTSP/1.0 ${status} ${REASONS[status] ?? 'Error'}`, `CSeq: ${request.headers.get('cseq') ?? 0}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== '') lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
