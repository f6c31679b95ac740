import type { PlannedLayer } from '../plan/plan.ts';

/** How finely a layer is kept: its number of clusters, plain int8 codes, or float. */
export type Width = number | 'int8' | 'float';

export type Widths = ReadonlyMap<string, Width>;

export const widthOf = ({ clusters, float }: Pick<PlannedLayer, 'clusters' | 'float'>): Width =>
  float === true ? 'float' : (clusters ?? 'int8');

/**
 * The next finer one; undefined for float. Clusters double up to 64: 128 would need 7 bits of index, an eighth less than the 8
 * of plain codes.
 */
export function wider(width: Width): Width | undefined {
  if (width === 'float') return undefined;
  if (width === 'int8') return 'float';
  return width < 64 ? Math.min(64, 2 * width) : 'int8';
}

/** As the plan says it. */
export function planned(layer: PlannedLayer, width: Width): PlannedLayer {
  const { clusters: _, float: __, groups, ...rest } = layer;
  if (typeof width === 'number') return { ...rest, clusters: width, ...(groups === undefined ? {} : { groups }) };
  return width === 'float' ? { ...rest, float: true } : rest;
}

export const describeWidth = (width: Width): string => (typeof width === 'number' ? `${width} clusters` : width);

/** Names of the layers left in float. */
export const floatLayers = (widths: Widths): ReadonlySet<string> =>
  new Set([...widths].flatMap(([name, width]) => (width === 'float' ? [name] : [])));
