import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf } from '../../../contract/messages/heard.ts';
import { type KindName, MESSAGE_KINDS } from '../../../contract/messages/kinds.ts';
import { parametersIn, rootTopic, topicOf, topicUnder, valuesIn } from '../../../contract/messages/topics.ts';

const level = fc.stringMatching(/^[^/+#\0{}]+$/).filter((text) => text.length > 0);

describe('a topic', () => {
  const root = rootTopic('ring-road', 'km-12');

  it('stands under the root of its box', () => {
    expect(topicOf(root, 'state')).toBe('wayside/v1/ring-road/km-12/state');
    expect(topicOf(root, 'detections', { camera: 'north' })).toBe('wayside/v1/ring-road/km-12/camera/north/detections');
  });

  it('is told apart by its name, with what it was made of', () => {
    const kinds = Object.keys(MESSAGE_KINDS) as KindName[];
    fc.assert(
      fc.property(fc.constantFrom(...kinds), level, (kind, camera) => {
        const { topic } = MESSAGE_KINDS[kind];
        const values = Object.fromEntries(parametersIn(topic).map((name): [string, string] => [name, name + camera]));
        expect(kindOf(topicUnder(root, topic, values))).toEqual({ kind, parameters: values });
      }),
    );
  });

  it('has as many parameters as its pattern names', () => {
    const pattern = 'camera/{camera}/event/{kind}';
    fc.assert(
      fc.property(level, level, (camera, kind) => {
        const topic = topicUnder('', pattern, { kind, camera }).slice(1);
        expect(topic).toBe(`camera/${camera}/event/${kind}`);
        expect(valuesIn(pattern, topic)).toEqual({ camera, kind });
        expect(valuesIn('camera/{camera}/status', topic)).toBeUndefined();
      }),
    );
  });

  it('is none of the contract where no row has its shape', () => {
    for (const below of ['', 'states', 'camera/north', 'camera/north/event/a/b', 'telemetry/more'])
      expect(kindOf(`${root}/${below}`), below).toBeUndefined();
  });

  it('takes no value that would reach into another topic', () => {
    for (const camera of ['', 'a/b', '+', '#', 'a+'])
      expect(() => topicOf(root, 'detections', { camera }), camera).toThrow('expected one level');
  });
});
