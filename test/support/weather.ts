import { type Random, seededRandom } from '../../core/random.ts';
import type { RgbImage } from '../../inference/image.ts';

/** What the rendered street does not have: weather and night, put over its images. */
export type Weather = 'day' | 'rain' | 'snow' | 'night' | 'fog';

/** Half the size, as a camera's second stream: the weather belongs to it, one pixel wide. */
function halved({ width, height, data }: RgbImage): RgbImage {
  const small = { width: width / 2, height: height / 2, data: new Uint8Array((width * height * 3) / 4) };
  for (let y = 0, at = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      for (let channel = 0; channel < 3; channel++, at++) {
        const from = (2 * y * width + 2 * x) * 3 + channel;
        small.data[at] = (data[from]! + data[from + 3]! + data[from + 3 * width]! + data[from + 3 * width + 3]!) / 4;
      }
    }
  }
  return small;
}

/** An image of the street in this weather, at half its size; `index` draws drops, flakes and noise. */
export function weathered(image: RgbImage, weather: Weather, index: number): RgbImage {
  const small = halved(image);
  const random = seededRandom(index * 97 + 5);
  const { data } = small;
  if (weather === 'rain') {
    veil(data, 0.75, 40);
    streaks(small, 250, 9, 200, 0.45, random);
  } else if (weather === 'snow') {
    veil(data, 0.7, 70);
    streaks(small, 400, 2, 245, 0.9, random);
  } else if (weather === 'fog') {
    veil(data, 0.35, 120);
  } else if (weather === 'night') {
    for (let i = 0; i < data.length; i++) data[i] = Math.max(0, data[i]! * 0.22 + random.normal() * 2.5);
    lamps(small);
  }
  return small;
}

function veil(data: Uint8Array, share: number, light: number): void {
  for (let i = 0; i < data.length; i++) data[i] = data[i]! * share + light * (1 - share);
}

function streaks(image: RgbImage, count: number, length: number, light: number, share: number, random: Random): void {
  for (let each = 0; each < count; each++) {
    const [x, y] = [random.below(image.width), random.below(image.height - length)];
    for (let down = 0; down < length; down++) {
      const at = ((y + down) * image.width + x) * 3;
      for (let i = at; i < at + 3; i++) image.data[i] = image.data[i]! * (1 - share) + light * share;
    }
  }
}

/** Two lanterns with their halo. */
function lamps({ width, height, data }: RgbImage): void {
  for (const [centreX, centreY] of [
    [0.2, 0.25],
    [0.75, 0.3],
  ] as const) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const light = 220 * Math.exp(-((x - centreX * width) ** 2 + (y - centreY * height) ** 2) / 60);
        const at = (y * width + x) * 3;
        for (let i = at; i < at + 3; i++) data[i] = Math.min(255, data[i]! + light);
      }
    }
  }
}
