import { describe, expect, it } from 'vitest';
import { sizeAgainstAccuracy } from '../../../exporter/report/scatter.ts';

const stage = (name: string, top1: number, bytes: number) => ({
  ...{ name, top1, bytes },
  ...{ flops: 1, params: 1, latencyMs: 1, seconds: 1 },
});
const [float, pruned] = [stage('float', 0.88, 59e6), stage('prune', 0.1, 8e6)];
const [rebuilt, quantized] = [stage('reconstruct', 0.87, 8e6), stage('quantize', 0.88, 1e6)];
const namesOf = (svg: string): string[] =>
  [...svg.matchAll(/<text class="name"[^>]*>([^<]+)/g)].map(([, name = '']) => name);

describe('size against accuracy', () => {
  it('leaves out what reconstruction repairs, and says where the axis begins', () => {
    const image = sizeAgainstAccuracy([float, pruned, rebuilt, quantized]);
    expect(namesOf(image)).toEqual(['float', 'reconstruct', 'quantize']);
    expect(image).toContain('does not begin at 0');
    expect(image).toContain('once its layers were reconstructed');
  });

  it('shows pruning where nothing repaired it', () => {
    const image = sizeAgainstAccuracy([float, pruned, quantized]);
    expect(namesOf(image)).toEqual(['float', 'prune', 'quantize']);
    expect(image).not.toContain('reconstructed');
  });
});
