import { bytes, escaped, integer, milliseconds, percent, table } from './report-parts.ts';
import { scatter } from './report-scatter.ts';
import type { PruneRecord, StageOutcome } from './slim/outcome.ts';

/** What pruning and training did; nothing where the run did neither. */
export function slimSections(stages: readonly StageOutcome[], pruning: PruneRecord | undefined): string {
  if (stages.length <= 2) return '';
  return `<h2>Stages</h2>
${stageTable(stages)}
<h2>Size and accuracy</h2>
${scatter(stages.map(({ name, bytes: size, top1 }) => ({ label: name, x: size, y: 100 * top1 })))}
<p>Bytes of the file, logarithmic, against top-1 in percent; the line follows the stages.</p>
${pruning === undefined ? '' : pruningSections(pruning)}`;
}

function stageTable(stages: readonly StageOutcome[]): string {
  return table(
    ['Stage', 'Top-1', 'Size', 'MFLOPs', 'Parameters', 'Latency', 'Took'],
    stages.map((stage) => [
      stage.name,
      percent(stage.top1),
      bytes(stage.bytes),
      (stage.flops / 1e6).toFixed(1),
      integer(stage.params),
      milliseconds(stage.latencyMs),
      `${stage.seconds.toFixed(1)} s`,
    ]),
  );
}

function pruningSections({ groups, sensitivity }: PruneRecord): string {
  return `<h2>Channels kept</h2>
${keptChart(groups)}
<p>Each bar is a group of channels that live and die together, named by the first weights that make them; filled: kept.</p>
${table(
  ['Group', 'Before', 'After', 'Kept'],
  groups.map(({ name, before, after }) => [name, before, after, percent(after / before)]),
)}
${sensitivity.length === 0 ? '' : sensitivitySection(sensitivity)}`;
}

const sensitivitySection = (sensitivity: PruneRecord['sensitivity']): string => `<h2>Sensitivity</h2>
${sensitivityChart(sensitivity)}
<p>How far the answers move when a quarter, a half, three quarters of one group alone go and the layers that read it have made up for
it: mean Kullback-Leibler divergence at temperature 4, logarithmic, darker the more goes. No labels are needed for it.</p>`;

const WIDTH = 900;
const HEIGHT = 120;
const MARGIN = 40;

function keptChart(groups: PruneRecord['groups']): string {
  const step = (WIDTH - MARGIN) / Math.max(1, groups.length);
  const most = Math.max(1, ...groups.map(({ before }) => before));
  const bars = groups.map(({ name, before, after }, g) => {
    const bar = (count: number, fill: string): string => {
      const height = (count / most) * HEIGHT;
      const x = (MARGIN + (g + 0.1) * step).toFixed(1);
      return `<rect x="${x}" y="${(HEIGHT + 10 - height).toFixed(1)}" width="${(0.8 * step).toFixed(1)}" height="${height.toFixed(1)}" fill="${fill}"><title>${escaped(name)}: ${after} of ${before}</title></rect>`;
    };
    return bar(before, '#dbe5f1') + bar(after, '#3b76c4');
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT + 20}" role="img"><text x="0" y="14">${most}</text>${bars.join('')}</svg>`;
}

const SHADES = ['#a9c4e6', '#3b76c4', '#1c3f6e'];
/** Nats below which a divergence cannot be seen in any answer. */
const LEAST = 1e-5;

function sensitivityChart(groups: PruneRecord['sensitivity']): string {
  const values = groups.flatMap(({ points }) => points.map(({ divergence }) => Math.max(LEAST, divergence)));
  const [low, high] = [Math.log10(LEAST), Math.log10(Math.max(10 * LEAST, ...values))];
  const step = (WIDTH - MARGIN) / Math.max(1, groups.length);
  const heightOf = (divergence: number): number =>
    ((Math.log10(Math.max(LEAST, divergence)) - low) / (high - low)) * HEIGHT;
  const dots = groups.flatMap(({ name, points }, g) =>
    points.map(({ ratio, divergence, agreement }, p) => {
      const x = (MARGIN + (g + 0.5) * step).toFixed(1);
      const y = (HEIGHT + 10 - heightOf(divergence)).toFixed(1);
      const says = `${name} without ${percent(ratio)}: divergence ${divergence.toPrecision(2)}, ${percent(agreement)} of answers kept`;
      return `<circle cx="${x}" cy="${y}" r="4" fill="${SHADES[p] ?? SHADES[2]}"><title>${escaped(says)}</title></circle>`;
    }),
  );
  const lines = Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, i) => {
    const exponent = Math.ceil(low) + i;
    const y = HEIGHT + 10 - heightOf(10 ** exponent);
    return `<line x1="${MARGIN}" x2="${WIDTH}" y1="${y}" y2="${y}" stroke="#e4e7eb"/><text x="0" y="${y + 3}">1e${exponent}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT + 20}" role="img">${lines.join('')}${dots.join('')}</svg>`;
}
