/** The two codecs roadside cameras speak. */
export type Codec = 'h264' | 'h265';

/** What a NAL unit means to a server: ITU-T H.264 table 7-1, H.265 table 7-1. */
type NalKind = 'parameters' | 'key' | 'picture' | 'other';

const H264_KINDS: Readonly<Record<number, NalKind>> = {
  1: 'picture',
  2: 'picture',
  5: 'key',
  7: 'parameters',
  8: 'parameters',
};

/** `nal_unit_type`: 5 bits in H.264, 6 bits in H.265. */
export function nalType(codec: Codec, nal: Uint8Array): number {
  const first = nal[0] ?? 0;
  return codec === 'h264' ? first & 0x1f : (first >> 1) & 0x3f;
}

export function nalKind(codec: Codec, nal: Uint8Array): NalKind {
  const type = nalType(codec, nal);
  if (codec === 'h264') return H264_KINDS[type] ?? 'other';
  if (type >= 32 && type <= 34) return 'parameters';
  if (type >= 16 && type <= 23) return 'key'; // BLA, IDR, CRA: random access points
  return type < 32 ? 'picture' : 'other';
}

/**
 * True for the slice that opens a picture: `first_mb_in_slice == 0` is the single bit 1 in ue(v) (H.264 7.3.3);
 * `first_slice_segment_in_pic_flag` is the first bit after the two-byte header (H.265 7.3.6.1).
 */
export function opensPicture(codec: Codec, nal: Uint8Array): boolean {
  return ((nal[codec === 'h264' ? 1 : 2] ?? 0) & 0x80) !== 0;
}

/** One coded picture with everything that belongs to it, ready to be sent. */
export interface AccessUnit {
  /** Without start codes, in decoding order. */
  readonly nals: readonly Uint8Array[];
  /** Decoding may begin here. */
  readonly key: boolean;
}

/** Gathers NAL units that already are one picture's; access unit delimiters are left out: RTP's marker bit says the same. */
export function accessUnit(codec: Codec, nals: readonly Uint8Array[]): AccessUnit {
  const delimiter = codec === 'h264' ? 9 : 35;
  const kept = nals.filter((nal) => nal.length > 0 && nalType(codec, nal) !== delimiter);
  return { nals: kept, key: kept.some((nal) => nalKind(codec, nal) === 'key') };
}
