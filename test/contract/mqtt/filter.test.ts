import { describe, expect, it } from 'vitest';
import { filterFits } from '../../../contract/mqtt/filter.ts';

/** The examples of MQTT 5, 4.7.1.2, 4.7.1.3 and 4.7.2. */
describe('a topic filter', () => {
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1'],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking'],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon'],
    ['sport/#', 'sport'],
    ['#', 'sport/tennis'],
    ['sport/tennis/+', 'sport/tennis/player1'],
    ['sport/+', 'sport/'],
    ['+/+', '/finance'],
    ['/+', '/finance'],
    ['$SYS/#', '$SYS/monitor/Clients'],
  ])('%s names %s', (filter, topic) => expect(filterFits(filter, topic)).toBe(true));

  it.each([
    ['sport/tennis/+', 'sport/tennis/player1/ranking'],
    ['sport/+', 'sport'],
    ['+', '/finance'],
    ['#', '$SYS/monitor/Clients'],
    ['+/monitor/Clients', '$SYS/monitor/Clients'],
    ['state', 'states'],
    ['camera/north', 'camera'],
  ])('%s does not name %s', (filter, topic) => expect(filterFits(filter, topic)).toBe(false));
});
