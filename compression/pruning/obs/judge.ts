import { MatrixProducts } from '../../linear-algebra/products.ts';
import { type Evidence, judgeGroups } from '../criteria/criterion.ts';
import { saliency } from './saliency.ts';

/** @throws {WaysideError} SESSION_RUN; AbortError when the signal aborts */
export async function judgeBySaliency(evidence: Evidence): Promise<Float64Array[]> {
  const { model, threads, signal } = evidence;
  const moments = await evidence.moments();
  const products = new MatrixProducts(threads);
  try {
    return await judgeGroups(evidence, (group) => saliency(moments, model, group, { products, signal }));
  } finally {
    await products.close();
  }
}
