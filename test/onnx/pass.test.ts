import { describe, expect, it } from 'vitest';
import { WaysideError } from '../../core/errors.ts';
import type { Model } from '../../onnx/graph.ts';
import { noneOf, pass, runPasses } from '../../onnx/pass.ts';
import { resnet } from './support/resnet.ts';

const model = resnet(1);

const withoutLast = (from: Model): Model => ({
  ...from,
  graph: { ...from.graph, nodes: from.graph.nodes.slice(0, -1) },
});
const rename = pass<{ to: string }>({
  name: 'rename',
  defaults: { to: 'renamed' },
  run: (from, { to }, { note }) => {
    note(`${from.graph.name} is ${to}`);
    return { ...from, graph: { ...from.graph, name: to } };
  },
});
const leaveAlone = pass({ name: 'leave-alone', run: (from) => from });

describe('passes', () => {
  it('run in order, with their options, and tell what they did', async () => {
    const notes: string[] = [];
    const options = { onNote: (name: string, text: string) => notes.push(`${name}: ${text}`) };
    const result = await runPasses(model, [rename, rename.with({ to: 'other' }), leaveAlone], options);
    expect(result.graph.name).toBe('other');
    expect(result.graph.initializers).toBe(model.graph.initializers);
    expect(model.graph.name).toBe('resnet8');
    expect(notes).toEqual(['rename: resnet8 is renamed', 'rename: renamed is other']);
  });

  it('that leave a broken model are named, with those before them', async () => {
    const breaks = pass({ name: 'breaks', run: withoutLast });
    await expect(runPasses(model, [rename, leaveAlone, breaks, rename])).rejects.toThrow(
      expect.objectContaining({
        code: 'PASS_FAILED',
        message: expect.stringMatching(
          /pass breaks left the model invalid: .*"scores".*before it ran: rename, leave-alone/,
        ),
      }),
    );
  });

  it('are held to what they ensure', async () => {
    const lies = pass({ name: 'lies', ensures: [noneOf('BatchNormalization')], run: (from) => from });
    await expect(runPasses(model, [lies])).rejects.toThrow(
      /pass lies ensures that there is no BatchNormalization: node BatchNormalization .* is still there \(it was the first pass\)/,
    );
  });

  it('let their own errors through, and wrap what was not foreseen', async () => {
    const throws = (error: Error) => pass({ name: 'throws', run: () => Promise.reject(error) });
    const own = new WaysideError('MODEL_UNSUPPORTED', { message: 'not this one' });
    await expect(runPasses(model, [throws(own)])).rejects.toBe(own);
    await expect(runPasses(model, [throws(new TypeError('oops'))])).rejects.toThrow(/pass throws failed: oops/);
  });

  it('stop when asked to', async () => {
    const controller = new AbortController();
    const aborts = pass({
      name: 'aborts',
      run: (from) => {
        controller.abort();
        return from;
      },
    });
    await expect(runPasses(model, [aborts, rename], { signal: controller.signal })).rejects.toThrow(
      expect.objectContaining({ name: 'AbortError' }),
    );
  });
});
