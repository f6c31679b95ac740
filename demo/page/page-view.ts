import type { ViewState } from '../view/state.ts';
import { bytes, counted, inSight, milliseconds, percent } from '../view/text.ts';

/** What `page.js` shows beside the image: words are chosen here, where they can be tested. */
interface PageView {
  readonly what: string;
  readonly health: { readonly text: string; readonly level: 'good' | 'warn' | 'bad' };
  readonly figures: readonly (readonly [name: string, value: string])[];
  readonly regions: ViewState['regions'];
  /** By line and direction; null: nothing is counted. */
  readonly flows: NonNullable<ViewState['counts']>['flows'] | null;
  readonly counted: string;
}

export function pageView(state: ViewState): PageView {
  const { model, camera, box, broker, frames, fps, latency, cpuPercent, memory, accuracy, seconds, objects, counts } =
    state;
  const well = camera.state === 'live' && box.state === 'online';
  const why = camera.reason ?? box.reasons[0];
  return {
    what: `${model.name} (${bytes(model.bytes)}) on ${camera.name}, over ${broker}`,
    health: {
      text: `camera ${camera.state}, box ${box.state}${well || why === undefined ? '' : `: ${why}`}`,
      level: well ? 'good' : camera.state === 'refused' || box.state === 'offline' ? 'bad' : 'warn',
    },
    figures: [
      ['frames analysed', `${frames} in ${seconds.toFixed(0)} s, ${fps.toFixed(1)} a second`],
      ['latency', `p50 ${milliseconds(latency.p50)}, p95 ${milliseconds(latency.p95)}`],
      ...(objects === null ? [] : ([['in sight', inSight(objects)]] as const)),
      ...(accuracy === null
        ? []
        : ([
            ['accuracy', `${percent(accuracy.accuracy)} of ${accuracy.n} regions`],
            ['of the clear ones', `${percent(accuracy.clear.accuracy)} of ${accuracy.clear.n}`],
          ] as const)),
      ["machine's CPU", cpuPercent === null ? '-' : `${cpuPercent.toFixed(0)} %`],
      ['supervisor', bytes(memory.supervisor)],
      ['inference', bytes(memory.inference)],
      ['decoder', bytes(memory.decoders)],
    ],
    regions: state.regions,
    flows: counts?.flows ?? null,
    counted: counts === null ? '' : counted(counts),
  };
}
