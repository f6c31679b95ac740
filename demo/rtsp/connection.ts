import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Doorkeeper } from './auth.ts';
import { type Carrier, carrierFor } from './carrier.ts';
import { type FaultState, garbled, type Misdescription } from './faults.ts';
import { formatResponse, RequestReader, type RtspRequest, type RtspResponse } from './message.ts';
import type { AccessUnit, Codec } from './nal.ts';
import { senderReport } from './rtcp.ts';
import { RtpStream, rtpTime } from './rtp.ts';
import { describe, describeAudio } from './sdp.ts';

/** What a connection needs to know of its server. */
export interface Stream {
  readonly path: string;
  readonly codec: Codec;
  readonly fps: number;
  readonly faults: FaultState;
  readonly doorkeeper: Doorkeeper | undefined;
  onRequest(method: string): void;
  /** The newest keyframe, with its parameter sets. */
  keyframe(): AccessUnit;
}

/** A client that is being sent pictures. */
export interface RtspSession {
  readonly id: string;
  /** Index of the first frame sent to it, a keyframe: its `ptsSeconds` 0; undefined before that. */
  readonly firstFrame: number | undefined;
  readonly framesSent: number;
  /** Frames left out because the client did not read. */
  readonly framesSkipped: number;
}

const METHODS = 'OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN';
/** A client this far behind is skipped until the next keyframe: about 10 s of 720p. */
const LARGEST_BACKLOG = 4 << 20;

/** One client: answers its requests and sends it pictures once it plays. */
export class RtspConnection implements RtspSession {
  readonly id = randomBytes(8).toString('hex');
  readonly #socket: Socket;
  readonly #stream: Stream;
  readonly #rtp = new RtpStream();
  #carrier: Carrier | undefined;
  #playing = false;
  #awaitingPlay: RtspRequest | undefined;
  #skipping = false;
  firstFrame: number | undefined;
  framesSent = 0;
  framesSkipped = 0;

  constructor(socket: Socket, stream: Stream) {
    this.#socket = socket;
    this.#stream = stream;
    const reader = new RequestReader((request) => this.#handle(request));
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy()); // a client that went away is no fault of ours
    socket.on('close', () => this.#carrier?.close());
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch {
        socket.destroy(); // not RTSP
      }
    });
  }

  get playing(): boolean {
    return this.#playing;
  }

  /** Sends one picture; the first must be a keyframe. */
  send(index: number, unit: AccessUnit, payloads: readonly Buffer[]): void {
    const { faults, fps } = this.#stream;
    if (!this.#playing || this.#carrier === undefined || faults.frozen || faults.muted) return;
    this.#skipping ||= this.#socket.writableLength > LARGEST_BACKLOG;
    if (unit.key && this.#socket.writableLength === 0) this.#skipping = false;
    if (this.firstFrame === undefined) {
      if (!unit.key) return;
      this.#begin(index);
    }
    if (this.#skipping) {
      this.framesSkipped++;
      return;
    }
    const time = rtpTime(faults.shownIndex(index), fps);
    this.#socket.cork();
    payloads.forEach((payload, i) => {
      const sent = faults.garbled > 0 && Math.random() < faults.garbled ? garbled(payload) : payload;
      this.#carrier?.rtp(this.#rtp.packet(sent, time, i === payloads.length - 1));
    });
    this.#socket.uncork();
    this.framesSent++;
  }

  /** Tells the client how RTP time and wall clock relate. */
  report(index: number): void {
    const { faults, fps } = this.#stream;
    if (!this.#playing || this.#carrier === undefined || this.#awaitingPlay || faults.frozen) return;
    this.#carrier.rtcp(senderReport(this.#rtp, rtpTime(faults.shownIndex(index), fps), Date.now()));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The answer to PLAY waits for the first keyframe, so that its RTP-Info is true (RFC 2326 section 12.33). */
  #begin(index: number): void {
    this.firstFrame = index;
    const request = this.#awaitingPlay;
    if (request === undefined) return;
    const time = this.#rtp.timestamp(rtpTime(this.#stream.faults.shownIndex(index), this.#stream.fps));
    const info = `url=${request.url};seq=${this.#rtp.nextSequence};rtptime=${time}`;
    this.#respond(request, { status: 200, headers: { Session: this.id, Range: 'npt=now-', 'RTP-Info': info } });
  }

  #respond(request: RtspRequest, response: RtspResponse): void {
    if (request === this.#awaitingPlay) this.#awaitingPlay = undefined;
    this.#write(formatResponse(request, response));
  }

  #write(text: string): void {
    const { faults } = this.#stream;
    const write = (): void => {
      if (!faults.frozen && this.#socket.writable) this.#socket.write(text);
    };
    if (faults.lateMs > 0 && !this.#playing) setTimeout(write, faults.lateMs);
    else write();
  }

  #handle(request: RtspRequest): void {
    this.#stream.onRequest(request.method);
    const response = this.#turnedAway(request) ?? this.#answer(request);
    if (response !== undefined) this.#respond(request, response);
    if (request.method === 'TEARDOWN' || (response === undefined && !this.#playing)) this.#socket.end();
  }

  /** The answer to one who may not come in, by rights or by an injected fault. */
  #turnedAway(request: RtspRequest): RtspResponse | undefined {
    const { faults, doorkeeper } = this.#stream;
    const refusal = this.#playing ? undefined : faults.refusal;
    if (request.method === 'OPTIONS' || refusal === 'close') return undefined;
    if (refusal === 'not-found' || !this.#onOurPath(request.url)) return { status: 404 };
    const admitted = refusal !== 'unauthorized' && (doorkeeper?.admits(request) ?? true);
    const challenge = doorkeeper?.challenge ?? 'Basic realm="wayside"';
    return admitted ? undefined : { status: 401, headers: { 'WWW-Authenticate': challenge } };
  }

  /** Undefined where the answer comes later, or never: then the connection ends. */
  #answer(request: RtspRequest): RtspResponse | undefined {
    const session = { Session: this.id };
    if (request.method === 'OPTIONS') return { status: 200, headers: { Public: METHODS } };
    if (this.#stream.faults.refusal === 'close' && !this.#playing) return undefined;
    switch (request.method) {
      case 'DESCRIBE': {
        const misdescription = this.#stream.faults.misdescription;
        if (misdescription !== undefined) return this.#misdescribe(misdescription);
        const { codec, fps } = this.#stream;
        const headers = { 'Content-Type': 'application/sdp', 'Content-Base': `${request.url.replace(/\/$/, '')}/` };
        return { status: 200, headers, body: describe(codec, fps, this.#stream.keyframe()) };
      }
      case 'SETUP':
        return this.#setUp(request);
      case 'PLAY':
        return this.#play(request);
      case 'GET_PARAMETER':
        return { status: 200, headers: session };
      case 'TEARDOWN':
        this.#playing = false;
        return { status: 200, headers: session };
      default:
        return { status: 501 };
    }
  }

  /** A web page is sent as a web server does, and ends the connection. */
  #misdescribe(as: Misdescription): RtspResponse | undefined {
    if (as === 'html') {
      this.#write('HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html><body>Bad Request</body></html>');
      return undefined;
    }
    if (typeof as === 'object') return { status: 302, headers: { Location: as.redirect } };
    const body = as === 'empty' ? '' : describeAudio();
    return { status: 200, headers: { 'Content-Type': 'application/sdp' }, body };
  }

  #onOurPath(url: string): boolean {
    const path = URL.canParse(url) ? new URL(url).pathname.replace(/\/(trackID=0)?$/, '') : undefined;
    return path === this.#stream.path;
  }

  #setUp(request: RtspRequest): RtspResponse {
    const transport = request.headers.get('transport') ?? '';
    const refused = this.#stream.faults.refusal === 'transport' && transport.includes('TCP');
    const carrier = refused ? undefined : carrierFor(this.#socket, transport);
    if (carrier === undefined) return { status: 461 };
    this.#carrier?.close();
    this.#carrier = carrier;
    const ssrc = this.#rtp.ssrc.toString(16).padStart(8, '0');
    const granted = `${carrier.granted};ssrc=${ssrc}`;
    return { status: 200, headers: { Transport: granted, Session: `${this.id};timeout=60` } };
  }

  #play(request: RtspRequest): RtspResponse | undefined {
    if (this.#carrier === undefined) return { status: 455 };
    const waits = !this.#playing && !this.#stream.faults.muted;
    this.#playing = true;
    if (!waits) return { status: 200, headers: { Session: this.id } };
    this.#awaitingPlay = request;
    return undefined;
  }
}
