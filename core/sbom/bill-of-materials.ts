import { Enums, Models, Serialize, SPDX, Spec } from '@cyclonedx/cyclonedx-library';
import { digestOf } from '../hash.ts';
import { VERSION } from '../layout.ts';

/** What a bill says beyond the models of the library: fields of a component by its `bom-ref`. */
type Amendments = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

type Json = Record<string, unknown>;

/** A UUID (version 8, RFC 9562) that the content alone decides: the same bill has the same serial number. */
function serialOf(content: string): string {
  const hex = digestOf(content).slice('sha256:'.length);
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `${variant}${hex.slice(17, 20)}`];
  return `urn:uuid:${parts.join('-')}-${hex.slice(20, 32)}`;
}

/** A licence as packages name it: an SPDX identifier or expression, else its own words. */
export function licenceOf(name: string): Models.License {
  if (SPDX.isSupportedSpdxId(name)) return new Models.SpdxLicense(name);
  return / (?:OR|AND|WITH) /.test(name) ? new Models.LicenseExpression(name) : new Models.NamedLicense(name);
}

/** https://github.com/package-url/purl-spec */
export const npmUrl = (name: string, version: string): string =>
  `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;

/**
 * A CycloneDX 1.7 bill of materials as JSON: the same component and parts give the same bytes.
 *
 * @param component what it is a bill of, with a `bomRef`
 * @param time in seconds since the epoch; left out where none is known that the content decides
 */
export function billOfMaterials(
  component: Models.Component,
  parts: readonly Models.Component[],
  { amendments = {}, time }: { readonly amendments?: Amendments; readonly time?: number } = {},
): string {
  const tool = new Models.Component(Enums.ComponentType.Application, 'wayside', {
    version: VERSION,
    bomRef: `wayside@${VERSION}`,
  });
  const metadata = new Models.Metadata({
    component,
    tools: new Models.Tools({ components: new Models.ComponentRepository([tool]) }),
  });
  const components = new Models.ComponentRepository(parts);
  for (const { bomRef } of parts) component.dependencies.add(bomRef);
  const normalizer = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot7).makeForBom();
  const bom = normalizer.normalize(new Models.Bom({ metadata, components }), { sortLists: true }) as unknown as Json;
  if (time !== undefined)
    (bom['metadata'] as Json)['timestamp'] = new Date(time * 1000).toISOString().replace('.000', '');
  const amended = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) amended(each);
    else if (typeof value === 'object' && value !== null) {
      Object.assign(value, amendments[String((value as Json)['bom-ref'])] ?? {});
      for (const each of [(value as Json)['components'], (value as Json)['component']]) amended(each);
    }
  };
  amended(bom['metadata']);
  amended(bom['components']);
  const { $schema, bomFormat, specVersion, ...rest } = bom;
  delete rest['serialNumber'];
  const serialNumber = serialOf(JSON.stringify(rest));
  return `${JSON.stringify({ $schema, bomFormat, specVersion, serialNumber, ...rest }, null, 2)}\n`;
}
