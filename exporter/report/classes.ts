import { pairedError } from '../../core/intervals.ts';
import { labelOf } from '../../inference/scores.ts';
import {
  type ClassChange,
  type Confused,
  type LabelledPredictions,
  predictionChanges,
} from '../verify/class-changes.ts';
import { integer, named, percent, section, shortened, signed, table } from './html.ts';

/** Most classes and confusions listed; a network may know thousands. */
const LISTED = 20;
const CONFUSIONS = 12;

/** Which classes the compressed model knows less well than the float model, and what it takes them for. */
export function classSection(
  before: LabelledPredictions,
  after: LabelledPredictions,
  names: readonly string[] | undefined,
): string {
  const { images, lost, won, changed, classes, grown } = predictionChanges(before, after);
  const worse = classes.filter((each) => each.after < each.before).sort((a, b) => pointsOf(a) - pointsOf(b));
  const better = classes.filter((each) => each.after > each.before).length;
  const same = classes.length - worse.length - better;
  const nameOf = (index: number): string => labelOf(names, index);
  const points = (100 * (won - lost)) / Math.max(1, images);
  const sum = `<p>Of ${integer(images)} images, ${integer(changed)} get another answer than before. ${integer(lost)} that were answered rightly
are wrong now, ${integer(won)} the other way round: ${signed(points)} points, with a standard error of ${(100 * pairedError(lost + won, images)).toFixed(2)}.
${integer(worse.length)} of ${integer(classes.length)} classes got worse, ${integer(better)} better, ${integer(same)} stayed as they were.</p>`;
  const tables = worse.length === 0 ? '' : worseTable(worse, nameOf);
  return section({
    id: 'classes',
    title: 'Classes that got worse',
    body: [sum, tables, grown.length === 0 ? '' : confusionTable(grown, nameOf)].join('\n'),
  });
}

const pointsOf = ({ before, after, images }: ClassChange): number => (100 * (after - before)) / images;

type NameOf = (index: number) => string;

function worseTable(worse: readonly ClassChange[], nameOf: NameOf): string {
  const rows = worse.slice(0, LISTED).map((each) => {
    const taken = each.grown
      .slice(0, 3)
      .map(({ as, before, after }) => `${shortened(nameOf(as), 28)} (+${after - before})`);
    return [
      named(nameOf(each.label)),
      integer(each.images),
      percent(each.before / each.images),
      percent(each.after / each.images),
      `${signed(pointsOf(each))} \u00b1 ${(100 * pairedError(each.differing, each.images)).toFixed(2)}`,
      taken.join(', '),
    ];
  });
  const most = worse.length > LISTED ? `, the ${LISTED} worst of ${integer(worse.length)}` : '';
  return `${table({
    caption: `Right answers by class, for classes that got worse${most}`,
    columns: ['Class', 'Images', 'Float', 'Compressed', 'Points', { words: 'More often taken for' }],
    rows,
  })}
<p>After \u00b1 stands the standard error: a change within twice that may well be chance.</p>`;
}

const confusionTable = (grown: readonly Confused[], nameOf: NameOf): string =>
  table({
    caption: `Confusions that grew${grown.length > CONFUSIONS ? `, the ${CONFUSIONS} largest of ${integer(grown.length)}` : ''}, in images`,
    columns: ['Is', { words: 'Taken for' }, 'Float', 'Compressed', 'More'],
    rows: grown
      .slice(0, CONFUSIONS)
      .map(({ label, as, before, after }) => [
        named(nameOf(label)),
        named(nameOf(as)),
        integer(before),
        integer(after),
        signed(after - before, 0),
      ]),
  });
