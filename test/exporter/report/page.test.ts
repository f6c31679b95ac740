import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../exporter/report/page.ts';
import { reportInput } from './given.ts';

const sectionsOf = (page: string): string[] => [...page.matchAll(/<section id="([^"]+)"/g)].map(([, id = '']) => id);

describe('the report', () => {
  it('has a section for everything that was done, and links to each', () => {
    const page = renderReport(reportInput({ layers: 5 }));
    const ids = [
      'stages',
      'classes',
      'kept',
      'sensitivity',
      'unique',
      'error',
      'histograms',
      'layers',
      'decisions',
      'time',
    ];
    expect(sectionsOf(page)).toEqual(ids);
    for (const id of ids) expect(page).toContain(`href="#${id}"`);
    const plain = renderReport(reportInput({ layers: 5, pruned: false }));
    expect(sectionsOf(plain)).toEqual(ids.filter((id) => id !== 'kept' && id !== 'sensitivity'));
  });

  it('needs nothing from elsewhere', () => {
    const page = renderReport(reportInput({ layers: 5 }));
    expect(page).not.toMatch(/<script|<link|src=|href="(?!#)|url\(|@import|https?:/);
  });

  it('says every table and image in words, and marks the heads of rows and columns', () => {
    const page = renderReport(reportInput({ layers: 5 }));
    for (const [table] of page.matchAll(/<table>.*?<\/table>/gs)) {
      expect(table).toMatch(/^<table><caption><span>[^<]+<\/span><\/caption>/);
      expect(table.match(/<tr>/g)).toHaveLength(1 + (table.match(/<th scope="row">/g) ?? []).length);
      const [head = '', ...rows] = table.split('<tr>').slice(1);
      const columns = head.match(/<th scope="col"/g)?.length;
      for (const row of rows) expect(row.match(/<(td|th)[ >]/g)).toHaveLength(columns ?? 0);
    }
    const images = [...page.matchAll(/<svg[^>]*>/g)].map(([tag]) => tag);
    expect(images.length).toBeGreaterThan(8);
    for (const tag of images) expect(tag).toMatch(/role="img" aria-label(ledby)?="[^"]+"/);
    for (const [, ids = ''] of page.matchAll(/aria-labelledby="([^"]+)"/g)) {
      for (const id of ids.split(' ')) expect(page.split(` id="${id}"`)).toHaveLength(2);
    }
  });

  it.each([1, 20, 150, 400])('stays under half a megabyte for %i layers', (layers) => {
    const page = renderReport(reportInput({ layers, classes: layers > 100 ? 1000 : 10 }));
    expect(Buffer.byteLength(page)).toBeLessThan(500_000);
    expect(page.match(/class="layer"/g)).toHaveLength(Math.min(layers, 160));
    if (layers > 160) expect(page).toContain('the 160 of 400 layers with the most error');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('escapes what names hold', () => {
    const input = reportInput({ layers: 2 });
    const page = renderReport({ ...input, name: '<b>&"', labels: Array(10).fill('<img src=x onerror=alert(1)>') });
    expect(page).not.toContain('<img');
    expect(page).toContain('&#60;b&#62;&#38;&#34;');
  });
});
