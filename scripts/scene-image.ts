/** `node dist/scripts/scene-image.js`: writes docs/images/scene.png, a frame of the rendered street with its regions and truth. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { PACKAGE_ROOT } from '../core/layout.ts';
import { boxOf, PLACES } from '../demo/scene/regions.ts';
import { createScene } from '../demo/scene/scene.ts';
import { regionTruth } from '../demo/scene/truth.ts';

const SEED = 17;
const FRAME = Number(process.argv[2] ?? 60);

const scene = createScene(SEED);
const { image, objects } = scene.frame(FRAME);
const { width, height } = image;
const marks = PLACES.map((place) => {
  const box = boxOf(scene.lens, place);
  const [x, y, w, h] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height].map(Math.round) as [
    number,
    number,
    number,
    number,
  ];
  const text = `${place.name}: ${regionTruth(objects, box).class}`;
  return `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none" stroke="#ffd400" stroke-width="1.5"/>
    <rect x="${x}" y="${y - 13}" width="${text.length * 6 + 4}" height="13" fill="#ffd400"/>
    <text x="${x + 2}" y="${y - 3}" font-family="monospace" font-size="10" fill="#000">${text}</text>`;
});
const overlay = Buffer.from(
  `<svg width="${width}" height="${height}" xmlns="http://www.w3.org/2000/svg">${marks.join('')}</svg>`,
);
const folder = join(PACKAGE_ROOT, 'docs', 'images');
await mkdir(folder, { recursive: true });
await sharp(image.data, { raw: { width, height, channels: 3 } })
  .composite([{ input: overlay }])
  .png({ palette: true, colours: 128, effort: 10 })
  .toFile(join(folder, 'scene.png'));
