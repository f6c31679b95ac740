import { type Box, WHOLE_FRAME } from '../../inference/image.ts';
import { boundsOf, type Polygon } from '../../inference/polygon.ts';
import { watchesMotion } from '../config/region-schema.ts';
import type { CameraConfig } from '../config/schema.ts';
import { inside, type Point } from '../vision/geometry.ts';

/** A region of a camera as it is analysed and published. */
export interface Region {
  readonly name: string;
  /** Around the polygon, where there is one. */
  readonly box: Box;
  /** What alone of the box is looked at. */
  readonly polygon?: Polygon;
}

interface Place {
  readonly box?: Box | undefined;
  readonly polygon?: Polygon | undefined;
}

type Drawn = CameraConfig['regions'][number];

/** The whole image goes by this name. */
const WHOLE: readonly Region[] = [{ name: 'frame', box: WHOLE_FRAME }];

/** What is classified of every frame, where it lies still as well. */
export const regionsOf = ({ regions, proposals }: CameraConfig): readonly Region[] =>
  regions.length === 0 && proposals === undefined
    ? WHOLE
    : regions.filter((region) => !watchesMotion(region)).map(regionOf);

/** Where things that move are classified; undefined: nowhere. */
export function motionPlacesOf({ regions, proposals }: CameraConfig): readonly Region[] | undefined {
  if (proposals !== undefined) return WHOLE;
  const places = regions.filter(watchesMotion).map(regionOf);
  return places.length === 0 ? undefined : places;
}

const regionOf = ({ name, box, polygon }: Drawn): Region =>
  polygon === undefined ? { name, box: box ?? WHOLE_FRAME } : { name, box: boundsOf(polygon), polygon };

/** Where a region is, as it is told. */
export const placeBody = ({ box, polygon }: Omit<Region, 'name'>): { box: number[]; polygon?: [number, number][] } => ({
  box: [...box],
  ...(polygon && { polygon: polygon.map(([x, y]) => [x, y]) }),
});

/** Whether a place of the image is in a region. */
export function isIn({ box, polygon }: Place, place: Point): boolean {
  if (polygon !== undefined) return inside(polygon, place);
  const [left, top, width, height] = box ?? WHOLE_FRAME;
  return place[0] >= left && place[0] < left + width && place[1] >= top && place[1] < top + height;
}
