import type { Paint, Style } from '../../core/terminal/colour.ts';
import type { RegionNow } from '../board.ts';
import type { ViewState } from './state.ts';
import { bar, bytes, cut, milliseconds, percent } from './text.ts';

/** Narrower terminals lose the ends of lines, never their order. */
const LEAST_WIDTH = 40;

/** The whole view as lines no wider than `columns`; the same state gives the same lines. */
export function screen(state: ViewState, columns: number, paint: Paint): string[] {
  const width = Math.max(LEAST_WIDTH, columns - 1);
  const line = (text: string, style?: Style): string =>
    style === undefined ? cut(text, width) : paint(style, cut(text, width));
  const nameWidth = Math.max(8, ...state.regions.map(({ region }) => region.length));
  return [
    line(
      `Wayside  ${state.model.name} (${bytes(state.model.bytes)}) on ${state.camera.name}, over ${state.broker}`,
      'bold',
    ),
    statusLine(state, width, paint),
    '',
    ...(state.regions.length === 0
      ? [line('  waiting for the first detection', 'dim')]
      : state.regions.map((region) => regionLine(region, nameWidth, width, paint))),
    '',
    line(figures(state)),
    line(resources(state), 'dim'),
    ...(state.accuracy === null ? [] : [line(accuracyLine(state.accuracy))]),
    ...(state.page === null ? [] : [line(`live image: ${state.page}`, 'cyan')]),
    line(state.wanted === null ? 'Ctrl-C ends it with a summary' : `ends after ${state.wanted} frames`, 'dim'),
  ];
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
  const { frames, fps, latency, camera, box, accuracy, regions } = state;
  const seen = regions.map(({ region, class: name }) => `${region}=${name ?? '-'}`).join(' ');
  const figure = accuracy === null ? '' : `, accuracy ${percent(accuracy.accuracy)} of ${accuracy.n}`;
  return `camera ${camera.state}, box ${box.state}: ${frames} frames, ${fps.toFixed(1)} a second, p50 ${milliseconds(latency.p50)}${figure}${seen === '' ? '' : `; ${seen}`}`;
}
