import type { PlannedLayer } from '../plan/plan.ts';

/** How finely a layer is kept: its number of clusters, plain int8 codes, or float. */
export type Precision = number | 'int8' | 'float';

export type Precisions = ReadonlyMap<string, Precision>;

export const precisionOf = ({ clusters, float }: Pick<PlannedLayer, 'clusters' | 'float'>): Precision =>
  float === true ? 'float' : (clusters ?? 'int8');

/**
 * The next finer one; undefined for float. Clusters double up to 64: 128 would need 7 bits of index, an eighth less than the 8
 * of plain codes.
 */
export function wider(width: Precision): Precision | undefined {
  if (width === 'float') return undefined;
  if (width === 'int8') return 'float';
  return width < 64 ? Math.min(64, 2 * width) : 'int8';
}

/** As the plan says it. */
export function planned(layer: PlannedLayer, width: Precision): PlannedLayer {
  const { clusters: _, float: __, groups, ...rest } = layer;
  if (typeof width === 'number') return { ...rest, clusters: width, ...(groups === undefined ? {} : { groups }) };
  return width === 'float' ? { ...rest, float: true } : rest;
}

export const describePrecision = (width: Precision): string =>
  typeof width === 'number' ? `${width} clusters` : width;

/** Names of the layers left in float. */
export const floatLayers = (precisions: Precisions): ReadonlySet<string> =>
  new Set([...precisions].flatMap(([name, width]) => (width === 'float' ? [name] : [])));
