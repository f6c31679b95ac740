import { Enums, Models } from '@cyclonedx/cyclonedx-library';
import { digestOf } from '../../core/hash.ts';
import { wilson } from '../../core/intervals.ts';
import { billOfMaterials } from '../../core/sbom/bill-of-materials.ts';
import type { Manifest } from '../../inference/manifest.ts';

/** What a bill is made from: the manifest of a package before its files are listed, and its model. */
interface DescribedModel {
  readonly manifest: Omit<Manifest, 'format' | 'createdBy' | 'files' | 'golden'>;
  readonly model: Uint8Array;
}

type Measured = NonNullable<Manifest['measured']>;
type Figures = Measured['candidate'];

const rounded = (value: number): string => String(Number(value.toFixed(6)));

/** Shares with where they lie in 95 of 100 samples; latency is of the machine that measured, and stays in the manifest. */
function metricsOf(figures: Figures, slice: string): object[] {
  const { samples } = figures;
  return (['top1', 'top5'] as const).flatMap((name) => {
    const share = figures[name];
    if (share === undefined) return [];
    const interval = samples === undefined || samples === 0 ? undefined : wilson(Math.round(share * samples), samples);
    return [
      {
        type: `${name === 'top1' ? 'top-1' : 'top-5'} accuracy`,
        value: rounded(share),
        slice,
        ...(interval && {
          confidenceInterval: { lowerBound: rounded(interval.low), upperBound: rounded(interval.high) },
        }),
      },
    ];
  });
}

function modelCard({ manifest: { task = 'classification', measured, input, output, labels } }: DescribedModel): object {
  const data = measured?.data;
  const performanceMetrics = measured === undefined ? [] : metricsOf(measured.candidate, data ?? 'test images');
  return {
    modelParameters: {
      approach: { type: 'supervised' },
      task: task === 'classification' ? 'image-classification' : 'object-detection',
      ...(data !== undefined && {
        datasets: [{ type: 'dataset', name: data, description: 'images that the figures were measured on' }],
      }),
      inputs: [{ format: `${input.name}: float32 [${input.shape.join(', ')}]` }],
      outputs: [{ format: `${output.name}: ${output.classes} classes${labels ? ` (${labels.join(', ')})` : ''}` }],
    },
    ...(performanceMetrics.length > 0 && { quantitativeAnalysis: { performanceMetrics } }),
  };
}

/** The float model that it was made from: what it could, on the same images. */
function ancestor({ manifest: { name, parentModel, measured } }: DescribedModel): object[] {
  if (parentModel === undefined) return [];
  const { baseline, data = 'test images' } = measured ?? {};
  const metrics = baseline === undefined ? [] : metricsOf(baseline, data);
  return [
    {
      type: 'machine-learning-model',
      name: `${name}, float`,
      'bom-ref': parentModel,
      properties: [{ name: 'wayside:modelDigest', value: parentModel }],
      ...(metrics.length > 0 && { modelCard: { quantitativeAnalysis: { performanceMetrics: metrics } } }),
    },
  ];
}

/**
 * `sbom.json` of a model package: a CycloneDX 1.7 bill whose subject is a machine-learning model with its card. Everything in it
 * follows from the model and what was measured on images: the same model has the same bill.
 */
export function modelBom(described: DescribedModel): string {
  const { manifest, model } = described;
  const { name, version, minimumRuntime, target, plan, measured } = manifest;
  const digest = digestOf(model);
  const property = (key: string, value: string | number | undefined): Models.Property[] =>
    value === undefined ? [] : [new Models.Property(`wayside:${key}`, String(value))];
  const component = new Models.Component(Enums.ComponentType.MachineLearningModel, name, {
    version,
    bomRef: digest,
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], digest.slice('sha256:'.length)]]),
    properties: new Models.PropertyRepository([
      ...property('minimumRuntime', minimumRuntime),
      ...property('target', target),
      ...property('planDigest', plan === undefined ? undefined : digestOf(JSON.stringify(plan))),
      ...property('samples', measured?.candidate.samples),
      ...property('confidence', measured?.candidate.samples === undefined ? undefined : '0.95 (Wilson)'),
    ]),
  });
  const runtime = new Models.Component(Enums.ComponentType.Library, 'onnxruntime', {
    bomRef: 'onnxruntime',
    description: `loads the model; ${minimumRuntime} or newer, of the box`,
    scope: Enums.ComponentScope.Excluded,
  });
  const ancestors = ancestor(described);
  const amendments = {
    [digest]: { modelCard: modelCard(described), ...(ancestors.length > 0 && { pedigree: { ancestors } }) },
  };
  return billOfMaterials(component, [runtime], { amendments });
}
