import { Command, Option } from 'commander';
import type { ModelPackage } from '../../inference/read-package.ts';
import { bytes, count, percent, prefixed } from '../format.ts';
import type { Inspection } from '../inspection.ts';
import { type Context, running } from '../running.ts';
import { table } from '../table.ts';

interface InspectOptions {
  readonly layers?: true;
}

export function inspectCommand(): Command {
  return new Command('inspect')
    .summary('say what a model or package holds')
    .description(
      'Says what a model or model package holds: inputs and outputs, operators, parameters, operations, bytes, distinct weights, how it is quantized.',
    )
    .argument('<model>', 'ONNX file or folder of a model package')
    .addOption(new Option('--layers', 'list every layer with weights'))
    .action(running(inspect));
}

async function inspect(
  { paint, report }: Context,
  path: string,
  { layers = undefined }: InspectOptions,
): Promise<void> {
  const [{ openModel }, { inspectModel }, { readModel }] = await Promise.all([
    import('../../inference/package.ts'),
    import('../inspection.ts'),
    import('../../onnx/file/read.ts'),
  ]);
  const opened = await openModel(path);
  const inspection = inspectModel(await readModel(opened.modelPath));
  const document = {
    file: opened.modelPath,
    bytes: opened.bytes,
    ...inspection,
    package: packageFacts(opened.package),
  };
  const parts = [paint('bold', path), summary(document)];
  if (document.package !== null) parts.push(packageSummary(document.package));
  if (inspection.notes.length > 0) parts.push(inspection.notes.map((note) => `note: ${note}`).join('\n'));
  if (layers) parts.push(layerTable(inspection));
  report({ document, text: parts.join('\n\n') });
}

const shapeText = (shape: readonly unknown[] | null): string =>
  shape === null ? '?' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
const values = (list: Inspection['inputs']): string =>
  list.map(({ name, type, shape }) => `${name} ${type} ${shapeText(shape)}`).join('; ');

function summary(found: Inspection & { readonly bytes: number }): string {
  const nodes = Object.values(found.operators).reduce((sum, n) => sum + n, 0);
  const operators = Object.entries(found.operators).map(([name, n]) => `${n} ${name}`);
  const perLayer = Math.max(0, ...found.layers.map(({ uniqueWeights }) => uniqueWeights));
  const operations =
    found.macs === null
      ? `unknown: a shape that ${found.uncounted} reads or makes is open`
      : `${prefixed(found.macs)} multiply-accumulates, ${prefixed(found.flops ?? 0)}FLOPs for one image`;
  return table([
    ['inputs', values(found.inputs)],
    ['outputs', values(found.outputs)],
    [
      'format',
      `${Object.entries(found.opsets)
        .map(([domain, version]) => `${domain} opset ${version}`)
        .join(', ')}, IR ${found.irVersion}${found.producer === '' ? '' : `, by ${found.producer}`}`,
    ],
    [
      'operators',
      `${nodes}: ${operators.slice(0, 6).join(', ')}${operators.length > 6 ? `, ${operators.length - 6} other kinds` : ''}`,
    ],
    ['parameters', count(found.parameters)],
    ['operations', operations],
    ['size', bytes(found.bytes)],
    ['quantized', quantizedText(found)],
    [
      'distinct weights',
      `${count(found.uniqueWeights)} over ${found.layers.length} layers, at most ${count(perLayer)} in one`,
    ],
  ]);
}

function quantizedText({ quantized, layers }: Inspection): string {
  if (quantized === 'no') return 'no';
  const parts = [
    { form: 'quantized', says: 'int8' },
    { form: 'codebook', says: 'int8 from a codebook' },
    { form: 'float', says: 'float' },
  ].flatMap(({ form, says }) => {
    const number = layers.filter((layer) => layer.form === form).length;
    return number === 0 ? [] : [`${number} layers ${says}`];
  });
  return `${quantized}: ${parts.join(', ')}`;
}

/** The manifest without the digests of its files and the golden samples: those were checked on opening. */
function packageFacts(opened: ModelPackage | undefined) {
  if (opened === undefined) return null;
  const { files, golden, plan, ...facts } = opened.manifest;
  return {
    digest: opened.digest,
    ...facts,
    files: Object.keys(files),
    goldenSamples: golden.samples.length,
    plan: plan ?? null,
  };
}

function packageSummary(facts: NonNullable<ReturnType<typeof packageFacts>>): string {
  const { preprocessing, labels, measured, thresholds } = facts;
  const { resize, size } = preprocessing;
  const resizing =
    resize === 'stretch'
      ? `stretched to ${size.join('x')}`
      : 'letterbox' in resize
        ? `fitted into ${size.join('x')}`
        : `shorter side ${resize.shorterSide}, centre ${size.join('x')}`;
  const accuracy = measured?.candidate.top1;
  return table([
    ['package', `${facts.name} ${facts.version}, made by ${facts.createdBy}`],
    ['digest', facts.digest],
    ['images', `${resizing}, mean ${preprocessing.mean.join(' ')}, deviation ${preprocessing.std.join(' ')}`],
    [
      'classes',
      labels === undefined
        ? `${facts.output.classes}, without names`
        : `${labels.length}: ${labels.slice(0, 8).join(', ')}${labels.length > 8 ? ', ...' : ''}`,
    ],
    ['threshold', String(thresholds.score)],
    ['golden samples', `${facts.goldenSamples}`],
    ...(accuracy === undefined
      ? []
      : [['measured', `top-1 ${percent(accuracy)}${measured?.data === undefined ? '' : ` on ${measured.data}`}`]]),
  ]);
}

function layerTable({ layers }: Inspection): string {
  const rows = layers.map(({ name, operator, weights, uniqueWeights, form }) => [
    name,
    operator,
    count(weights),
    count(uniqueWeights),
    form,
  ]);
  return table(
    [['layer', 'operator', 'weights', 'distinct', 'stored as'], ...rows],
    ['left', 'left', 'right', 'right'],
  );
}
