import { describe, expect, it } from 'vitest';
import { regionOption } from '../../cli/options/common.ts';

describe('--region', () => {
  it('is a box, or a polygon by its corners', () => {
    expect(regionOption('lane=0.5,0.25,0.5,0.75')).toEqual([{ name: 'lane', box: [0.5, 0.25, 0.5, 0.75] }]);
    expect(regionOption('kerb=0,0, 1,0, 0,1', regionOption('lane=0,0,1,1'))[1]).toEqual({
      name: 'kerb',
      polygon: [
        [0, 0],
        [1, 0],
        [0, 1],
      ],
    });
  });

  it.each(['lane=0,0,1', 'lane=0.5,0,0.6,1', 'lane=0,0,1,0,1', 'lane=0,0,1,0,0,1.1', 'lane=0,0,1,0,0,', 'lane'])(
    'is refused: %s',
    (text) => {
      expect(() => regionOption(text)).toThrow('It must be name=x,y,w,h');
    },
  );
});
