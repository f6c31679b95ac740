import { expect, it } from 'vitest';
import { presentOf } from '../../../daemon/features/feature.ts';

it('looks up what is asked for, as it is then, and nothing else', () => {
  const asked: string[] = [];
  let draining = false;
  const look =
    <T>(name: string, value: () => T) =>
    (): T => {
      asked.push(name);
      return value();
    };
  const never = (): never => {
    throw new Error('nobody asked for it');
  };
  const present = presentOf({
    loaded: never,
    model: look('model', () => undefined),
    cameras: look('cameras', () => []),
    inference: never,
    modelRefused: never,
    modelFallback: look('modelFallback', () => 'an older one'),
    unusable: look('unusable', () => []),
    configurationRefused: look('configurationRefused', () => undefined),
    short: look('short', () => undefined),
    draining: look('draining', () => draining),
  });
  expect(asked).toEqual([]);
  const { draining: before, cameras, modelFallback } = present;
  draining = true;
  expect([before, cameras, modelFallback, present.draining]).toEqual([false, [], 'an older one', true]);
  expect(asked).toEqual(['draining', 'cameras', 'modelFallback', 'draining']);
});
