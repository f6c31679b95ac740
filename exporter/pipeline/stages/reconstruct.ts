import { z } from 'zod';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import { reconstruct as solveLayers } from '../../../compression/pruning/reconstruct/reconstruct.ts';
import { numberWithDefault } from '../../plan/field-schema.ts';
import { FIELDS } from '../../plan/fields.ts';
import type { Stage } from '../stage.ts';
import { trainingContext } from './training-context.ts';

const ReconstructPlan = z.strictObject({ pictures: numberWithDefault(FIELDS.prune.pictures) });

/** Solves the layers of a pruned model anew, so that each gives what the original's gave. */
export const reconstruct: Stage<z.infer<typeof ReconstructPlan>> = {
  name: 'reconstruct',
  plan: ReconstructPlan,
  makes: 'float',
  resizes: true,
  async run(state, { pictures }, context) {
    const { original = context.opened.folded } = context;
    const pruned = {
      model: state.model,
      analysis: analyzeChannels(original),
      removed: new Set(state.pruning?.removed),
    };
    const asked = trainingContext(context, pictures);
    const { model, layers } = await solveLayers(original, pruned, context.opened.data.train, asked);
    return { ...state, model, reconstructed: layers };
  },
};
