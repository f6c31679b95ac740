import type { Random } from '../../core/random.ts';
import { between, chance, pick } from './chance.ts';
import { makeBus } from './shapes/bus.ts';
import { makeCar, type Vehicle } from './shapes/car.ts';
import { makeTruck } from './shapes/truck.ts';
import { CYCLE, SIDE_GREEN, STREET } from './street.ts';
import type { Placed, Vec3 } from './types.ts';

type VehicleClass = 'car' | 'truck' | 'bus';

interface Lane {
  readonly name: string;
  readonly key: number;
  readonly heading: number;
  /** Seconds into the cycle at which the light turns green. */
  readonly green: number;
  /** Room for the queue, metres. */
  readonly room: number;
  /** Metres past the stop line at which a vehicle has left the image for good. */
  readonly leaves: number;
  /** Some drive through after the queue has gone. */
  readonly through: boolean;
  /** Where a point is that lies `s` metres past the stop line. */
  at(s: number): Vec3;
}

const LANES: readonly Lane[] = [
  {
    name: 'near',
    key: 1,
    heading: 0,
    green: 0,
    room: 17,
    leaves: 42,
    through: true,
    at: (s) => [STREET.nearStop + s, 0, STREET.nearLane],
  },
  {
    name: 'far',
    key: 2,
    heading: Math.PI,
    green: 0.3,
    room: 17,
    leaves: 46,
    through: true,
    at: (s) => [STREET.farStop - s, 0, STREET.farLane],
  },
  {
    name: 'side',
    key: 3,
    heading: -Math.PI / 2,
    green: SIDE_GREEN,
    room: 13,
    leaves: 27,
    through: false,
    at: (s) => [STREET.sideLane, 0, STREET.sideStop - s],
  },
];

const MAKERS: Readonly<Record<VehicleClass, (random: Random, dusk: boolean) => Vehicle>> = {
  car: makeCar,
  truck: makeTruck,
  bus: makeBus,
};

/** m/s, m/s^2: a city street, a gentle brake, a brisk start. */
const SPEED = 9.5;
const BRAKE = 3.2;
const START = 3;

/** How far from its place in the queue a vehicle still is, `before` seconds ahead of standing there. */
function approach(before: number): number {
  if (before <= 0) return 0;
  const braking = SPEED / BRAKE;
  return before < braking ? 0.5 * BRAKE * before ** 2 : 0.5 * BRAKE * braking ** 2 + SPEED * (before - braking);
}

/** How far a vehicle has come `after` seconds from starting. */
function departure(after: number): number {
  if (after <= 0) return 0;
  const gaining = SPEED / START;
  return after < gaining ? 0.5 * START * after ** 2 : 0.5 * START * gaining ** 2 + SPEED * (after - gaining);
}

function chooseVehicle(random: Random, dusk: boolean): Vehicle & { readonly class: VehicleClass } {
  const kind = pick<VehicleClass>(random, ['car', 'car', 'car', 'truck', 'truck', 'bus', 'bus']);
  return { class: kind, ...MAKERS[kind](random, dusk) };
}

/** The vehicles that belong to one green phase of one lane, where they are at `t` seconds. */
function ofCycle(lane: Lane, seed: number, cycle: number, t: number, dusk: boolean): Placed[] {
  const green = cycle * CYCLE + lane.green;
  const queue = chance(seed, 31, lane.key, cycle);
  const waiting = pick(queue, [0, 1, 1, 1, 2, 2, 2]);
  const placed: Placed[] = [];
  const place = (name: string, vehicle: Vehicle & { readonly class: VehicleClass }, front: number): void => {
    if (front - vehicle.length > lane.leaves || front < -48) return;
    placed.push({
      name,
      class: vehicle.class,
      position: lane.at(front - vehicle.length / 2),
      heading: lane.heading,
      faces: vehicle.faces,
    });
  };
  let taken = 0;
  for (let i = 0; i < waiting; i++) {
    const random = chance(seed, 32, lane.key, cycle, i);
    const vehicle = chooseVehicle(random, dusk);
    if (taken + vehicle.length > lane.room) break;
    const stands = green - between(random, 4.2, 4.9) + 1.3 * i;
    const starts = green + 0.4 + 0.9 * i;
    place(`${lane.name}/${cycle}/${i}`, vehicle, -taken - approach(stands - t) + departure(t - starts));
    taken += vehicle.length + between(random, 1.2, 2);
  }
  const late = chance(seed, 33, lane.key, cycle);
  if (lane.through && late.next() < 0.6) {
    place(`${lane.name}/${cycle}/late`, chooseVehicle(late, dusk), SPEED * (t - green - between(late, 4.4, 4.9)));
  }
  return placed;
}

/** Every vehicle in or near the image at `t` seconds. */
export function vehiclesAt(seed: number, t: number, dusk: boolean): Placed[] {
  const cycle = Math.floor(t / CYCLE);
  return LANES.flatMap((lane) => [cycle - 1, cycle, cycle + 1].flatMap((c) => ofCycle(lane, seed, c, t, dusk)));
}
