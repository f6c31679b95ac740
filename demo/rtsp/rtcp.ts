import type { RtpStream } from './rtp.ts';

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_EPOCH = 2_208_988_800;

/** A sender report with the mandatory CNAME behind it (RFC 3550 sections 6.4.1 and 6.5.1). */
export function senderReport(stream: RtpStream, time: number, wallMs: number): Buffer {
  const report = Buffer.alloc(28);
  report.writeUInt16BE(0x80c8, 0);
  report.writeUInt16BE(report.length / 4 - 1, 2);
  report.writeUInt32BE(stream.ssrc, 4);
  report.writeUInt32BE(Math.floor(wallMs / 1000) + NTP_EPOCH, 8);
  report.writeUInt32BE(Math.floor(((wallMs % 1000) / 1000) * 2 ** 32), 12);
  report.writeUInt32BE(stream.timestamp(time), 16);
  report.writeUInt32BE(stream.packets % 2 ** 32, 20);
  report.writeUInt32BE(stream.octets % 2 ** 32, 24);
  return Buffer.concat([report, sourceDescription(stream.ssrc, 'wayside@127.0.0.1')]);
}

function sourceDescription(ssrc: number, name: string): Buffer {
  const size = Math.ceil((8 + 2 + name.length + 1) / 4) * 4; // the list ends in at least one zero byte
  const chunk = Buffer.alloc(size);
  chunk.writeUInt16BE(0x81ca, 0);
  chunk.writeUInt16BE(size / 4 - 1, 2);
  chunk.writeUInt32BE(ssrc, 4);
  chunk[8] = 1;
  chunk[9] = name.length;
  chunk.write(name, 10, 'latin1');
  return chunk;
}
