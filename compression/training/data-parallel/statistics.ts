/**
 * Mean and variance of a whole from those of its equal parts, per channel: the mean of the means, and the mean of the variances plus
 * the variance of the means (law of total variance).
 *
 * @param parts of each part: mean and variance of each normalisation, in turn, one number a channel
 */
export function pooledStatistics(parts: readonly (readonly Float32Array[])[]): Float32Array[] {
  const [first = []] = parts;
  return first.map((array, i) => {
    const ofMeans = i % 2 === 0;
    return array.map((_, channel) => {
      const at = (list: number): number => parts.reduce((sum, part) => sum + part[list]![channel]!, 0) / parts.length;
      if (ofMeans) return at(i);
      const mean = at(i - 1);
      return at(i) + parts.reduce((sum, part) => sum + (part[i - 1]![channel]! - mean) ** 2, 0) / parts.length;
    });
  });
}
