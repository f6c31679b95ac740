import type { Paint, Style } from '../../core/terminal/colour.ts';
import type { RegionNow } from '../board.ts';
import type { FlowCounts } from '../counting/crossing-tally.ts';
import type { ViewState } from './state.ts';
import { bar, bytes, counted, cut, inSight, milliseconds, percent } from './text.ts';

/** Narrower terminals lose the ends of lines, never their order. */
const LEAST_WIDTH = 40;

/** The whole view as lines no wider than `columns`; the same state gives the same lines. */
export function screen(state: ViewState, columns: number, paint: Paint): string[] {
  const width = Math.max(LEAST_WIDTH, columns - 1);
  const line = (text: string, style?: Style): string =>
    style === undefined ? cut(text, width) : paint(style, cut(text, width));
  return [
    line(
      `Wayside  ${state.model.name} (${bytes(state.model.bytes)}) on ${state.camera.name}, over ${state.broker}`,
      'bold',
    ),
    statusLine(state, width, paint),
    '',
    ...seenLines(state, width, paint),
    '',
    line(figures(state)),
    line(resources(state), 'dim'),
    ...(state.accuracy === null ? [] : [line(accuracyLine(state.accuracy))]),
    ...(state.page === null ? [] : [line(`live image: ${state.page}`, 'cyan')]),
    line(state.wanted === null ? 'Ctrl-C ends it with a summary' : `ends after ${state.wanted} frames`, 'dim'),
  ];
}

/** What the model says of the image: of regions, or objects and what passed the lines. */
function seenLines({ regions, objects, counts }: ViewState, width: number, paint: Paint): string[] {
  if (objects === null) {
    if (regions.length === 0) return [paint('dim', cut('  waiting for the first detection', width))];
    const nameWidth = Math.max(8, ...regions.map(({ region }) => region.length));
    return regions.map((region) => regionLine(region, nameWidth, width, paint));
  }
  const sight = cut(`  in sight: ${inSight(objects)}`, width);
  if (counts === null) return [sight];
  return [
    sight,
    '',
    paint(
      'dim',
      cut(
        `  ${'line'.padEnd(8)}${'direction'.padEnd(12)}${COLUMNS.map((name) => (name === 'other class' ? name.padStart(13) : padded(name))).join('')}`,
        width,
      ),
    ),
    ...counts.flows.map((flow) => flowLine(flow, width, paint)),
    cut(`  ${counted(counts)}`, width),
  ];
}

const COLUMNS = ['counted', 'true', 'missed', 'false', 'other class'] as const;
const padded = (text: string | number): string => String(text).padStart(9);

function flowLine(flow: FlowCounts, width: number, paint: Paint): string {
  const { line, direction, counted: all, truth, missed, false: wrong, otherClass } = flow;
  const figures = [all, truth, missed, wrong, otherClass].map((figure, i) =>
    i === 4 ? String(figure).padStart(13) : padded(figure),
  );
  const text = cut(`  ${line.padEnd(8)}${direction.padEnd(12)}${figures.join('')}`, width);
  return truth + all === 0 ? paint('dim', text) : missed + wrong === 0 ? paint('green', text) : paint('yellow', text);
}

function statusLine({ camera, box }: ViewState, width: number, paint: Paint): string {
  const well = camera.state === 'live' && box.state === 'online';
  const troubled = camera.state === 'refused' || box.state === 'offline';
  const why = camera.reason ?? box.reasons[0];
  const text = `camera ${camera.state}, box ${box.state}${well || why === undefined ? '' : `: ${why}`}`;
  return paint(well ? 'green' : troubled ? 'red' : 'yellow', cut(text, width));
}

function regionLine(
  { region, class: name, score, truth }: RegionNow,
  nameWidth: number,
  width: number,
  paint: Paint,
): string {
  const shown = `  ${region.padEnd(nameWidth)}  ${(name ?? '-').padEnd(10)} ${bar(score, 16)} ${String(Math.round(score * 100)).padStart(3)} %`;
  if (truth === null) return cut(shown, width);
  const right = truth.class === name;
  const verdict = `${right ? '✓' : '✗'} ${right ? 'agrees' : `is ${truth.class}`}${truth.contested ? ' (contested)' : ''}`;
  const room = width - [...shown].length - 2;
  if (room < 3) return cut(shown, width);
  return `${shown}  ${paint(right ? 'green' : truth.contested ? 'yellow' : 'red', cut(verdict, room))}`;
}

const figures = ({ frames, fps, latency, seconds }: ViewState): string =>
  `${frames} frames in ${seconds.toFixed(0)} s, ${fps.toFixed(1)} a second; latency p50 ${milliseconds(latency.p50)}, p95 ${milliseconds(latency.p95)}`;

const resources = ({ cpuPercent, memory }: ViewState): string =>
  `machine's CPU ${cpuPercent === null ? '-' : `${cpuPercent.toFixed(0)} %`}; memory: supervisor ${bytes(memory.supervisor)}, inference ${bytes(memory.inference)}, decoder ${bytes(memory.decoders)}`;

const accuracyLine = ({ accuracy, n, clear, contested }: NonNullable<ViewState['accuracy']>): string =>
  `accuracy ${percent(accuracy)} of ${n} regions; clear ones ${percent(clear.accuracy)}, ${contested.n} contested ${percent(contested.accuracy)}`;

/** The same in one line, for logs and pipes. */
export function plainLine(state: ViewState): string {
  const { frames, fps, latency, camera, box, accuracy, regions, objects, counts } = state;
  const seen =
    objects === null
      ? regions.map(({ region, class: name }) => `${region}=${name ?? '-'}`).join(' ')
      : `in sight ${inSight(objects)}`;
  const accurate = accuracy === null ? '' : `, accuracy ${percent(accuracy.accuracy)} of ${accuracy.n}`;
  const figure = counts === null ? accurate : `, ${counted(counts)}`;
  return `camera ${camera.state}, box ${box.state}: ${frames} frames, ${fps.toFixed(1)} a second, p50 ${milliseconds(latency.p50)}${figure}${seen === '' ? '' : `; ${seen}`}`;
}
