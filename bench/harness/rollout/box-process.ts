import { pino } from 'pino';
import { answerParent } from '../../../core/child.ts';
import { seededRandom } from '../../../core/random.ts';
import type { Fate } from './fates.ts';
import { SimulatedBox } from './simulated-box.ts';

/** Boxes `from` to `to`, without the last. */
export interface FleetPart {
  readonly url: string;
  readonly site: string;
  readonly from: number;
  readonly to: number;
  /** One box of so many never answers. */
  readonly silentOneIn: number;
  /** What a version does on every box; another one is good. */
  readonly fates: Readonly<Record<string, Fate>>;
  readonly stepMs: number;
}

export type BoxQuestion = { readonly start: FleetPart } | { readonly count: string } | { readonly stop: true };

export interface BoxCount {
  /** Boxes that run the version asked about. */
  readonly running: number;
  /** Boxes that tried it, however that ended. */
  readonly tried: number;
  /** Jobs about it that came, each counted once a box. */
  readonly heard: number;
  /** Jobs that came again, of any version. */
  readonly replayed: number;
  /** Connections made, of all boxes. */
  readonly connections: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** Boxes connect one after the other: a whole city does not come up in the same millisecond. */
const CONNECT_EVERY_MS = 4;

/** The log is the only one who sees an agent's connections. */
let connections = 0;
const log = pino(
  { level: 'info' },
  {
    write(line) {
      if (line.includes('"connected to the broker"')) connections++;
    },
  },
);

const boxes: SimulatedBox[] = [];
const sum = (of: (box: SimulatedBox) => number): number => boxes.reduce((total, box) => total + of(box), 0);

async function start({ url, site, from, to, silentOneIn, fates, stepMs }: FleetPart): Promise<void> {
  for (let index = from; index < to; index++) {
    const fate = (version: string): Fate | undefined =>
      index % silentOneIn === silentOneIn - 1 ? undefined : (fates[version] ?? 'good');
    const id = `box-${index}`;
    const random = seededRandom(index);
    const box = new SimulatedBox({ url, site, id, groups: ['roads'], log, random, fate, stepMs });
    boxes.push(box);
    box.start();
    await new Promise((resolve) => setTimeout(resolve, CONNECT_EVERY_MS));
  }
}

answerParent<BoxQuestion, BoxCount>(import.meta.url, async (question) => {
  if ('start' in question) await start(question.start);
  if ('stop' in question) await Promise.all(boxes.map((box) => box.stop()));
  const { user, system } = process.cpuUsage();
  const asked = 'count' in question ? question.count : '';
  return {
    connections,
    running: sum(({ version }) => Number(version === asked)),
    tried: sum(({ tried }) => Number(tried.has(asked))),
    heard: sum(({ heard }) => [...heard.values()].filter((version) => version === asked).length),
    replayed: sum(({ replayed }) => replayed),
    cpuSeconds: (user + system) / 1e6,
    memoryBytes: process.memoryUsage.rss(),
  };
});
