export interface Bar {
  readonly label: string;
  readonly value: number;
}

const HEIGHT = 160;
const WIDTH = 900;
const MARGIN = 34;

/** An inline SVG of bars; each bar's label and value show when pointed at. Values below 0 are drawn as 0. */
export function barChart(bars: readonly Bar[], unit: string): string {
  if (bars.length === 0) return '';
  const most = Math.max(1, ...bars.map(({ value }) => (Number.isFinite(value) ? value : 0)));
  const step = (WIDTH - MARGIN) / bars.length;
  const shapes = bars.map(({ label, value }, i) => {
    const height = Math.max(0, (Math.min(value, most) / most) * HEIGHT);
    const x = (MARGIN + i * step + step * 0.1).toFixed(1);
    const box = `x="${x}" y="${(HEIGHT + 10 - height).toFixed(1)}" width="${(step * 0.8).toFixed(1)}" height="${height.toFixed(1)}"`;
    return `<rect ${box} fill="#3b76c4"><title>${escapeText(label)}: ${value.toFixed(1)} ${unit}</title></rect>`;
  });
  const lines = [0, 0.5, 1].map((share) => {
    const y = HEIGHT + 10 - share * HEIGHT;
    const text = `<text x="0" y="${y + 3}">${(share * most).toFixed(0)} ${unit}</text>`;
    return `<line x1="${MARGIN}" x2="${WIDTH}" y1="${y}" y2="${y}" stroke="#e4e7eb"/>${text}`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT + 20}" role="img">${lines.join('')}${shapes.join('')}</svg>`;
}

const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
