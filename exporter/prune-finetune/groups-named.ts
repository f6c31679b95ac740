import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Model } from '../../onnx/graph.ts';

/**
 * Names of the groups that are meant: by their own name, or by that of any weight they hold.
 *
 * @throws {WaysideError} USAGE for a name that no group has
 */
export function groupsNamed(model: Model, names: readonly string[]): string[] {
  const { groups } = analyzeChannels(model);
  const holders = new Map<string, string[]>();
  for (const { name, channels } of groups) {
    const weights = channels.flatMap(({ slices }) => slices.map(({ initializer }) => initializer));
    // Folding a normalisation calls the weights after those in the file.
    const inFile = weights.map((each) => each.replace(/_folded$/, ''));
    for (const each of new Set([name, ...weights, ...inFile])) holders.set(each, [...(holders.get(each) ?? []), name]);
  }
  return [
    ...new Set(
      names.flatMap((name) => {
        const found = holders.get(name);
        if (found !== undefined) return found;
        throw new WaysideError('USAGE', {
          message: `no channels that can be pruned belong to ${name}`,
          hint: `groups are called after the weights that make them, such as ${groups[0]?.name ?? 'conv1.weight'}: wayside sensitivity lists them`,
        });
      }),
    ),
  ];
}
