import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Doorkeeper } from '../../../demo/rtsp/auth.ts';
import { formatResponse, RequestReader, type RtspRequest } from '../../../demo/rtsp/message.ts';

function read(chunks: readonly Buffer[]): RtspRequest[] {
  const requests: RtspRequest[] = [];
  const reader = new RequestReader((request) => requests.push(request));
  for (const chunk of chunks) reader.push(chunk);
  return requests;
}

const DESCRIBE = 'DESCRIBE rtsp://127.0.0.1/camera RTSP/1.0\r\nCSeq: 2\r\nAccept: application/sdp\r\n\r\n';
const PARAMETER = 'SET_PARAMETER rtsp://127.0.0.1/camera RTSP/1.0\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nabcd';
const REPORT = Buffer.from([0x24, 1, 0, 4, 0x0d, 0x0a, 0x0d, 0x0a]);

describe('requests', () => {
  it('are found between receiver reports and bodies, wherever the stream is cut', () => {
    const stream = Buffer.concat([
      Buffer.from(DESCRIBE),
      REPORT,
      Buffer.from(PARAMETER),
      REPORT,
      Buffer.from(DESCRIBE),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 6 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const requests = read(edges.slice(1).map((edge, i) => stream.subarray(edges[i], edge)));
        expect(requests.map((request) => request.method)).toEqual(['DESCRIBE', 'SET_PARAMETER', 'DESCRIBE']);
        expect(requests[1]?.headers.get('cseq')).toBe('3');
      }),
    );
  });

  it('that are none, or never end, are refused', () => {
    expect(() => read([Buffer.from('GET / HTTP/1.1\r\n\r\n')])).toThrow('not an RTSP request');
    expect(() => read([Buffer.alloc(20_000, 'a')])).toThrow('16 KiB');
  });

  it('are answered with their own number', () => {
    const [request] = read([Buffer.from(DESCRIBE)]);
    expect(formatResponse(request!, { status: 461 })).toBe('RTSP/1.0 461 Unsupported Transport\r\nCSeq: 2\r\n\r\n');
  });
});

describe('the doorkeeper', () => {
  const asking = (authorization?: string): RtspRequest => ({
    method: 'DESCRIBE',
    url: 'rtsp://127.0.0.1/camera',
    headers: new Map(authorization === undefined ? [] : [['authorization', authorization]]),
  });
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

  it('admits the right Digest only, as RFC 2069 computes it', () => {
    const keeper = new Doorkeeper({ username: 'u', password: 'p' });
    const nonce = /nonce="([^"]+)"/.exec(keeper.challenge)![1]!;
    const answer = (password: string, method = 'DESCRIBE'): string => {
      const response = md5(`${md5(`u:wayside:${password}`)}:${nonce}:${md5(`${method}:rtsp://127.0.0.1/camera`)}`);
      return `Digest username="u", realm="wayside", nonce="${nonce}", uri="rtsp://127.0.0.1/camera", response="${response}"`;
    };
    expect(keeper.admits(asking(answer('p')))).toBe(true);
    expect([
      keeper.admits(asking(answer('q'))),
      keeper.admits(asking(answer('p', 'PLAY'))),
      keeper.admits(asking()),
    ]).toEqual([false, false, false]);
  });

  it('admits the right Basic only', () => {
    const keeper = new Doorkeeper({ username: 'u', password: 'p', scheme: 'basic' });
    expect(keeper.challenge).toMatch(/^Basic /);
    expect([keeper.admits(asking('Basic dTpw')), keeper.admits(asking('Basic dTpx'))]).toEqual([true, false]);
  });
});
