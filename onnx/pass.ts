import { messageOf, WaysideError } from '../core/errors.ts';
import { checkModel } from './check.ts';
import type { Model } from './graph.ts';

/** What a pass promises. */
interface Condition {
  /** As in "there is no BatchNormalization after a Conv". */
  readonly says: string;
  /** The first place where it does not hold, or undefined where it holds everywhere. */
  violation(model: Model): string | undefined;
}

interface PassContext {
  /** Names of the passes that ran before, in order. */
  readonly before: readonly string[];
  /** Tells what the pass did or declined to do, for reports. */
  note(text: string): void;
}

interface PassDefinition<Options> {
  /** In words joined by hyphens: `fold-batch-norm`. */
  readonly name: string;
  readonly defaults?: Options;
  readonly ensures?: readonly Condition[];
  /** From a model to a model: what it is given stays as it is, tensors are shared. */
  run(model: Model, options: Options, context: PassContext): Model | Promise<Model>;
}

/** A pass with its options bound: what `runPasses` takes. */
export interface Pass {
  readonly name: string;
  readonly ensures: readonly Condition[];
  run(model: Model, context: PassContext): Model | Promise<Model>;
}

/** A pass as defined: usable as it is, with its defaults, or `with` others. */
interface ConfigurablePass<Options> extends Pass {
  with(options: Partial<Options>): Pass;
}

/**
 * Defines a pass.
 *
 * @example
 * export const foldBatchNorm = pass({
 *   name: 'fold-batch-norm',
 *   ensures: [noneOf('BatchNormalization')],
 *   run: (model) => ...,
 * });
 * const folded = await runPasses(model, [foldConstants, foldBatchNorm, quantize.with({ perChannel: false })]);
 */
export function pass<Options extends object = Record<never, never>>(
  definition: PassDefinition<Options>,
): ConfigurablePass<Options> {
  const { name, ensures = [] } = definition;
  const bind = (options: Partial<Options>): Pass => ({
    name,
    ensures,
    run: (model, context) => definition.run(model, { ...definition.defaults, ...options } as Options, context),
  });
  return { ...bind({}), with: bind };
}

/** A condition on every node: `offence` names what is wrong with one, or returns undefined. */
export function everyNode(
  says: string,
  offence: (node: Model['graph']['nodes'][number], model: Model) => string | undefined,
): Condition {
  return {
    says,
    violation(model) {
      for (const node of model.graph.nodes) {
        const found = offence(node, model);
        if (found !== undefined) return `node ${node.name} (${node.opType}) ${found}`;
      }
      return undefined;
    },
  };
}

/** The main graph has no node of these ONNX operators. */
export const noneOf = (...opTypes: readonly string[]): Condition =>
  everyNode(`there is no ${opTypes.join(' or ')}`, ({ domain, opType }) =>
    domain === '' && opTypes.includes(opType) ? 'is still there' : undefined,
  );

interface PassesOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told what passes did or declined to do: of folding it reaches the report. */
  readonly onNote?: (pass: string, text: string) => void;
}

/**
 * Runs passes one after another. After each, the checker and the pass's own promises are checked: a broken model never
 * reaches the next pass, and the failure names the pass that broke it and those that ran before.
 *
 * @throws {WaysideError} PASS_FAILED; a pass's own WaysideErrors come through unchanged
 */
export async function runPasses(model: Model, passes: readonly Pass[], options: PassesOptions = {}): Promise<Model> {
  const before: string[] = [];
  let current = model;
  for (const each of passes) {
    options.signal?.throwIfAborted();
    const context = { before: [...before], note: (text: string) => options.onNote?.(each.name, text) };
    current = await run(each, current, context);
    try {
      checkModel(current);
    } catch (cause) {
      throw failed(`pass ${each.name} left the model invalid: ${messageOf(cause)}`, before, cause);
    }
    requirePromised(each, current, before);
    before.push(each.name);
  }
  return current;
}

async function run(each: Pass, model: Model, context: PassContext): Promise<Model> {
  try {
    return await each.run(model, context);
  } catch (cause) {
    if (cause instanceof WaysideError || (cause instanceof Error && cause.name === 'AbortError')) throw cause;
    throw failed(`pass ${each.name} failed: ${messageOf(cause)}`, context.before, cause);
  }
}

function requirePromised({ name, ensures }: Pass, model: Model, before: readonly string[]): void {
  for (const condition of ensures) {
    const violation = condition.violation(model);
    if (violation !== undefined) throw failed(`pass ${name} ensures that ${condition.says}: ${violation}`, before);
  }
}

function failed(message: string, before: readonly string[], cause?: unknown): WaysideError {
  const history = before.length === 0 ? 'it was the first pass' : `before it ran: ${before.join(', ')}`;
  return new WaysideError('PASS_FAILED', { message: `${message} (${history})`, cause });
}
