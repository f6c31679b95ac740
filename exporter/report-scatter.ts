import { bytes, escaped } from './report-parts.ts';

export interface Place {
  readonly label: string;
  /** Bytes. */
  readonly x: number;
  /** Percent. */
  readonly y: number;
}

const [WIDTH, HEIGHT, MARGIN] = [900, 220, 50];

/** An inline SVG of places joined in their order: bytes, logarithmic, to the right, percent upwards. */
export function scatter(places: readonly Place[]): string {
  if (places.length === 0) return '';
  const logs = places.map(({ x }) => Math.log(Math.max(1, x)));
  const ys = places.map(({ y }) => y);
  const scale = (values: readonly number[], from: number, to: number, least: number) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const spread = Math.max(high - low, least);
    const middle = (low + high) / 2;
    return (value: number): number => from + ((value - middle) / spread + 0.5) * (to - from);
  };
  const right = scale(logs, MARGIN + 30, WIDTH - 110, 0.1);
  const up = scale(ys, HEIGHT - 30, 20, 1);
  const at = places.map((place, i) => ({ ...place, px: right(logs[i]!), py: up(place.y) }));
  const line = at.map(({ px, py }) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ');
  const dots = at.map(
    ({ label, x, y, px, py }) =>
      `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="5" fill="#3b76c4"/>` +
      `<text ${besides(px)} y="${(py - 4).toFixed(1)}">${escaped(label)}: ${bytes(x)}, ${y.toFixed(2)}%</text>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"><polyline points="${line}" fill="none" stroke="#a9c4e6"/>${dots.join('')}</svg>`;
}

/** The label stands to the right of its place, or to the left where the picture ends. */
const besides = (px: number): string =>
  px < WIDTH - 200 ? `x="${(px + 8).toFixed(1)}"` : `x="${(px - 8).toFixed(1)}" text-anchor="end"`;
