import type { DistinctWeights } from '../verify/distinct-weights.ts';
import { integer, ratio, section, table } from './html.ts';

/** How many different weights there are, by every way of counting that a reader may have in mind. */
export function uniqueSection({ original, compressed }: DistinctWeights): string {
  const times = (before: number, after: number): string => `${ratio(before / Math.max(1, after))}\u00d7`;
  const row = (name: string, before: number, after: number) => [
    name,
    integer(before),
    integer(after),
    times(before, after),
  ];
  return section({
    id: 'unique',
    title: 'Unique weights',
    body: `${table({
      caption: 'Distinct weights, counted four ways',
      columns: ['Counted', 'Float', 'Compressed', 'Fewer'],
      rows: [
        row('Values a layer holds, added up', original.perLayer, compressed.codes),
        row('The same, and the scales', original.perLayer, compressed.codes + compressed.scales),
        row('Code times scale, added up', original.perLayer, compressed.products),
        row('Anywhere in the network', original.anywhere, compressed.anywhere),
      ],
    })}
<p>Weights of convolutions and matrix products; biases are not counted. <b>Values a layer holds</b>: two weights of a layer are the same if
the file stores them as the same value, a float before and an int8 code after; a layer of k clusters has at most k. The same value in two layers counts twice. This is the figure at the top
of the page. <b>And the scales</b>: with one more number for each output channel, by which its codes are multiplied. <b>Code times scale</b>: two weights are the same if they
multiply their input by the same real number. <b>Anywhere</b>: as in the first line, but a value in two layers counts once. Layers left in float count their floats everywhere.</p>`,
  });
}
