import type { Lens } from './lens.ts';
import type { Light } from './light.ts';
import { type Corner, scan } from './polygon.ts';
import type { Face, Placed, Rgb, Vec3 } from './types.ts';

/** Samples `[left, right) x [top, bottom)`. */
export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What was found while one object was drawn. */
export interface Drawn {
  /** Around its outline on the screen, hidden parts included; null where none of it is in the image. */
  readonly bounds: Bounds | null;
  /** Samples of the outline. */
  readonly outline: number;
}

/** Everything that moves, at sample resolution: colours, distances and whose sample it is. Reused from frame to frame. */
export class Layer {
  readonly width: number;
  readonly height: number;
  readonly colour: Uint8ClampedArray;
  /** One over the distance of what is in front so far. */
  readonly nearness: Float32Array;
  /** 0: nothing here; otherwise the number given to `draw`. */
  readonly owner: Uint8Array;
  /** 1 where a shadow falls on the ground. */
  readonly shadow: Uint8Array;
  /** Last object whose outline covered the sample, visible or not. */
  readonly #touched: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.colour = new Uint8ClampedArray(width * height * 3);
    this.nearness = new Float32Array(width * height);
    this.owner = new Uint8Array(width * height);
    this.shadow = new Uint8Array(width * height);
    this.#touched = new Uint8Array(width * height);
  }

  /** Empties the layer; `still` is the nearness of what never moves. */
  clear(still: Float32Array): void {
    this.nearness.set(still);
    this.owner.fill(0);
    this.shadow.fill(0);
    this.#touched.fill(0);
  }

  /** Draws an object with flat shading. `owner` 1 to 255 must be new since `clear`. */
  draw(placed: Placed, owner: number, lens: Lens, light: Light): Drawn {
    const { colour, nearness, width, owner: owners } = this;
    const touched = this.#touched;
    const box = { left: width, top: this.height, right: 0, bottom: 0 };
    let outline = 0;
    for (const face of placed.faces) {
      const world = face.points.map((point) => toWorld(point, placed));
      const corners = onScreen(world, lens);
      if (corners === null) continue;
      const [red, green, blue] = face.glows === true ? face.colour : shaded(face, world, lens, light);
      scan(corners, width, this.height, (row, from, to, w, step) => {
        if (row < box.top) box.top = row;
        if (row >= box.bottom) box.bottom = row + 1;
        if (from < box.left) box.left = from;
        if (to > box.right) box.right = to;
        let near = w;
        for (let i = row * width + from, end = row * width + to; i < end; i++, near += step) {
          if (touched[i] !== owner) {
            touched[i] = owner;
            outline++;
          }
          if (near <= nearness[i]!) continue;
          nearness[i] = near;
          owners[i] = owner;
          colour[3 * i] = red;
          colour[3 * i + 1] = green;
          colour[3 * i + 2] = blue;
        }
      });
    }
    return { bounds: box.left < box.right ? box : null, outline };
  }

  /** Casts the object's faces along the sun's rays onto the ground. */
  castShadow(placed: Placed, lens: Lens, { sun }: Light): void {
    for (const face of placed.faces) {
      const ground = face.points.map((point): Vec3 => {
        const [x, y, z] = toWorld(point, placed);
        return [x - (sun[0] / sun[1]) * y, 0, z - (sun[2] / sun[1]) * y];
      });
      const corners = onScreen(ground, lens);
      if (corners === null) continue;
      scan(corners, this.width, this.height, (row, from, to) =>
        this.shadow.fill(1, row * this.width + from, row * this.width + to),
      );
    }
  }
}

function toWorld([x, y, z]: Vec3, { position, heading }: Placed): Vec3 {
  const cos = Math.cos(heading);
  const sin = Math.sin(heading);
  return [position[0] + x * cos - z * sin, position[1] + y, position[2] + x * sin + z * cos];
}

function onScreen(points: readonly Vec3[], lens: Lens): Corner[] | null {
  const corners: Corner[] = [];
  for (const point of points) {
    const seen = lens.project(point);
    if (seen === null) return null;
    corners.push({ x: seen.x, y: seen.y, w: 1 / seen.depth });
  }
  return corners;
}

/** Lambert's law on the side of the face that looks at the camera. */
function shaded({ colour }: Face, world: readonly Vec3[], lens: Lens, { sun, ambient, direct, tint }: Light): Rgb {
  const [a, b, c] = [world[0]!, world[1]!, world[2]!];
  const [ux, uy, uz] = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
  const [vx, vy, vz] = [c[0] - a[0], c[1] - a[1], c[2] - a[2]];
  const [nx, ny, nz] = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
  const length = Math.hypot(nx, ny, nz) || 1;
  const towards = nx * (lens.position[0] - a[0]) + ny * (lens.position[1] - a[1]) + nz * (lens.position[2] - a[2]);
  const side = (towards < 0 ? -1 : 1) / length;
  const facing = Math.max(0, side * (nx * sun[0] + ny * sun[1] + nz * sun[2]));
  const sky = 0.88 + 0.12 * Math.max(0, side * ny);
  const lit = ambient * sky + direct * facing * 1.25;
  return [colour[0] * lit * tint[0], colour[1] * lit * tint[1], colour[2] * lit * tint[2]];
}
