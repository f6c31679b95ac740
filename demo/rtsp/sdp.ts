import { type AccessUnit, type Codec, nalKind, nalType } from './nal.ts';
import { PAYLOAD_TYPE, RTP_CLOCK } from './rtp.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Session description of one video track (RFC 8866; format parameters: RFC 6184 section 8.1, RFC 7798 section 7.1). */
export function describe(codec: Codec, fps: number, key: AccessUnit): string {
  return [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=wayside loopback camera',
    'c=IN IP4 0.0.0.0',
    't=0 0',
    'a=range:npt=now-',
    `m=video 0 RTP/AVP ${PAYLOAD_TYPE}`,
    `a=rtpmap:${PAYLOAD_TYPE} ${codec.toUpperCase()}/${RTP_CLOCK}`,
    `a=fmtp:${PAYLOAD_TYPE} ${formatParameters(codec, key)}`,
    `a=framerate:${fps}`,
    'a=control:trackID=0',
    '',
  ].join('\r\n');
}

/** Of a camera that offers sound alone. */
export function describeAudio(): string {
  return ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=sound', 't=0 0', 'm=audio 0 RTP/AVP 0', 'a=control:trackID=1', ''].join(
    '\r\n',
  );
}

function formatParameters(codec: Codec, key: AccessUnit): string {
  const sets = key.nals.filter((nal) => nalKind(codec, nal) === 'parameters');
  if (codec === 'h265') {
    const names: Readonly<Record<number, string>> = { 32: 'sprop-vps', 33: 'sprop-sps', 34: 'sprop-pps' };
    return sets.map((nal) => `${names[nalType(codec, nal)]}=${base64(nal)}`).join('; ');
  }
  const sequence = sets.find((nal) => nalType(codec, nal) === 7);
  const profile =
    sequence === undefined ? '' : `; profile-level-id=${Buffer.from(sequence.subarray(1, 4)).toString('hex')}`;
  return `packetization-mode=1${profile}; sprop-parameter-sets=${sets.map(base64).join(',')}`;
}
