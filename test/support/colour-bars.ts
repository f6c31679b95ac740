/** Red, green, blue, yellow, cyan, magenta, white, black: the corners of the RGB cube, where a swapped channel or matrix shows at once. */
const BARS = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
  [0, 255, 255],
  [255, 0, 255],
  [255, 255, 255],
  [0, 0, 0],
] as const;

const INDEX_BITS = 16;

interface Image {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Eight vertical bars; the lowest quarter shows the frame's index as 16 black or white fields, highest bit first. */
export function colourBars(width: number, height: number, index: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const bit = (index >> (INDEX_BITS - 1 - Math.floor((x * INDEX_BITS) / width))) & 1;
      data.set(y >= height * 0.75 ? [bit * 255, bit * 255, bit * 255] : BARS[Math.floor((x * 8) / width)]!, at);
    }
  }
  return data;
}

function pixel({ width, height, data }: Image, x: number, y: number): readonly number[] {
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
  return [...data.subarray(at, at + 3)];
}

/** The index that a received image shows, whatever it was scaled to. */
export function shownIndex(image: Image): number {
  let index = 0;
  for (let bit = 0; bit < INDEX_BITS; bit++) {
    index = index * 2 + (pixel(image, (bit + 0.5) / INDEX_BITS, 0.9)[0]! > 127 ? 1 : 0);
  }
  return index;
}

/** Largest difference between any bar's colour and what it should be, 0 to 255; chroma subsampling and limited range cost up to 10. */
export function barError(image: Image): number {
  const errors = BARS.flatMap((bar, i) =>
    pixel(image, (i + 0.5) / 8, 0.4).map((value, c) => Math.abs(value - bar[c]!)),
  );
  return Math.max(...errors);
}
