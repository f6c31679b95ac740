import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/hash.ts';
import { wilson } from '../../../core/intervals.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { admitPackage } from '../../../deploy/admit.ts';
import { unpackBundle } from '../../../deploy/bundle/read-bundle.ts';
import { bundlePackage } from '../../../deploy/bundle/write-bundle.ts';
import { modelBom } from '../../../exporter/sbom/model-bom.ts';
import { writePackage } from '../../../inference/package.ts';
import { type ModelPackage, readPackage } from '../../../inference/read-package.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { bomProblems } from '../../support/valid-bom.ts';

const STREET = join(PACKAGE_ROOT, 'demo/package');

describe('the bill of materials of a model package', () => {
  const folder = temporaryFolder();
  let street: ModelPackage;
  let model: Buffer;
  let text: string;
  const parsed = () => JSON.parse(text);
  const described = () => {
    const { format, createdBy, files, golden, ...manifest } = street.manifest;
    return manifest;
  };
  beforeAll(async () => {
    street = await readPackage(STREET);
    model = await readFile(street.modelPath);
    text = modelBom({ manifest: described(), model });
  });

  it('is valid by the schema of CycloneDX 1.7', async () => {
    expect(await bomProblems(text)).toBeNull();
    const least = { ...described() };
    for (const key of ['labels', 'plan', 'measured', 'parentModel', 'target', 'task'] as const) delete least[key];
    expect(await bomProblems(modelBom({ manifest: least, model }))).toBeNull();
  });

  it('names the model by its digest, and what it was made from', () => {
    const { component } = parsed().metadata;
    expect(component).toMatchObject({ type: 'machine-learning-model', name: 'street' });
    expect(component.hashes).toEqual([{ alg: 'SHA-256', content: digestOf(model).replace('sha256:', '') }]);
    expect(component.pedigree.ancestors[0]).toMatchObject({ 'bom-ref': street.manifest.parentModel });
  });

  it('states what was measured with its confidence interval, of this model and of the float one', () => {
    const { component } = parsed().metadata;
    const { candidate, baseline, data } = street.manifest.measured ?? {};
    const metric = (figures: typeof candidate) => {
      const [top1 = 0, samples = 0] = [figures?.top1, figures?.samples];
      const { low, high } = wilson(Math.round(top1 * samples), samples);
      const confidenceInterval = { lowerBound: low.toFixed(6), upperBound: high.toFixed(6) };
      return { type: 'top-1 accuracy', slice: data, confidenceInterval };
    };
    const numbers = (value: { confidenceInterval: { lowerBound: string; upperBound: string } }) => ({
      ...value,
      confidenceInterval: {
        lowerBound: Number(value.confidenceInterval.lowerBound).toFixed(6),
        upperBound: Number(value.confidenceInterval.upperBound).toFixed(6),
      },
    });
    const [measured] = component.modelCard.quantitativeAnalysis.performanceMetrics;
    expect(numbers(measured)).toMatchObject(metric(candidate));
    expect(Number(measured.value)).toBeCloseTo(candidate?.top1 ?? 0, 6);
    const [before] = component.pedigree.ancestors[0].modelCard.quantitativeAnalysis.performanceMetrics;
    expect(numbers(before)).toMatchObject(metric(baseline));
  });

  it('gives no interval where nobody said of how many images', () => {
    const { measured, ...rest } = described();
    const unknown = { ...rest, measured: { candidate: { bytes: 1, top1: 0.9 } } };
    const { component } = JSON.parse(modelBom({ manifest: unknown, model })).metadata;
    expect(component.modelCard.quantitativeAnalysis.performanceMetrics).toEqual([
      { type: 'top-1 accuracy', value: '0.9', slice: 'test images' },
    ]);
  });

  it('is the same bytes again, whatever the machine took, and has another serial number for another model', () => {
    const { measured, ...rest } = described();
    const slower = measured && { ...measured, candidate: { ...measured.candidate, latencyMs: 12345 } };
    expect(modelBom({ manifest: { ...rest, ...(slower && { measured: slower }) }, model })).toBe(text);
    const other = JSON.parse(modelBom({ manifest: described(), model: Buffer.from('another') }));
    expect(other.serialNumber).not.toBe(parsed().serialNumber);
    expect(other.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  it('is admitted, travels in a bundle, and counts for nothing in what a box loads', async () => {
    const contents = { manifest: described(), model, golden: street.golden, files: { 'sbom.json': text } };
    const written = await writePackage(join(folder(), 'package'), contents);
    expect(written.manifest.files['sbom.json']?.digest).toBe(digestOf(text));
    expect(written.bytes).toBe(street.bytes);
    await admitPackage(written.dir);
    const { bytes } = await bundlePackage(written.dir);
    await writeFile(join(folder(), 'x.wsb'), bytes);
    await unpackBundle(join(folder(), 'x.wsb'), join(folder(), 'unpacked'));
    expect(await readFile(join(folder(), 'unpacked/sbom.json'), 'utf8')).toBe(text);
  });
});
