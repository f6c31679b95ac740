import type { EVENTS } from '../../contract/messages/event.ts';
import type { Direction } from '../vision/line-counter.ts';
import type { MovementEvent } from '../vision/movements.ts';
import type { TrafficFrame } from '../vision/traffic.ts';
import type { ZoneEvent } from '../vision/zone-watch.ts';
import { type Lane, laneAt } from './lanes.ts';

/** What one object did; what does not go with its kind is null. */
export interface TrafficEvent {
  readonly event: (typeof EVENTS)[number];
  readonly object: number;
  readonly track: number;
  readonly classIndex: number;
  /** s. */
  readonly time: number;
  readonly line: string | null;
  readonly lane: string | null;
  readonly direction: Direction | null;
  readonly zone: string | null;
  readonly movement: string | null;
  /** How long it was in the zone, or under way. */
  readonly seconds: number | null;
  /** m/s. */
  readonly speed: number | null;
}

interface WatchedLine {
  readonly id: string;
  readonly lanes: readonly Lane[];
  readonly wrongWay?: Direction | undefined;
}

const NOTHING = { line: null, lane: null, direction: null, zone: null, movement: null, seconds: null, speed: null };

const hundredth = (value: number | undefined): number | null =>
  value === undefined ? null : Math.round(value * 100) / 100;

/** What happened in one frame, object by object. @param lines as they are configured */
export const eventsOf = (seen: TrafficFrame, lines: readonly WatchedLine[]): TrafficEvent[] => [
  ...seen.crossings.flatMap((each) => crossed(each, lines)),
  ...seen.zoneEvents.map(inZone),
  ...seen.movements.map(moved),
];

function crossed(crossing: TrafficFrame['crossings'][number], lines: readonly WatchedLine[]): TrafficEvent[] {
  const { line, direction, object, track, time, classIndex, along, speed } = crossing;
  const configured = lines.find(({ id }) => id === line);
  const lane = laneAt(configured?.lanes ?? [], along);
  const about = { ...NOTHING, object, track, time, classIndex, line, direction, lane, speed: hundredth(speed) };
  const passed: TrafficEvent = { ...about, event: 'crossing' };
  return configured?.wrongWay === direction ? [passed, { ...about, event: 'wrong-way' }] : [passed];
}

const inZone = ({ kind, zone, object, track, time, classIndex, dwellSeconds }: ZoneEvent): TrafficEvent => ({
  ...NOTHING,
  event: kind,
  zone,
  object,
  track,
  time,
  classIndex,
  seconds: kind === 'entered' ? null : hundredth(dwellSeconds),
});

const moved = ({ movement, object, track, time, classIndex, seconds }: MovementEvent): TrafficEvent => ({
  ...NOTHING,
  event: 'movement',
  movement,
  object,
  track,
  time,
  classIndex,
  seconds: hundredth(seconds),
});
