import type { z } from 'zod';
import type { CalibrationTable } from '../../calibration/table.ts';
import type { RunContext } from '../../core/run/context.ts';
import type { Model } from '../../onnx/graph.ts';
import { parsedPlan } from '../plan/parsed-plan.ts';
import type { PruneRecord, StageOutcome } from '../prune-finetune/outcome.ts';
import type { WorkFolder } from '../prune-finetune/work-folder.ts';
import type { RunLimits } from './limits.ts';
import type { OpenedModel } from './open-float.ts';
import type { QuantizedModel } from './quantize-by-plan.ts';
import type { VerifiedModel } from './verified.ts';

/** What stages hand on. */
export interface FlowState {
  /** The float model, as the stages so far have left it. */
  readonly model: Model;
  /** The float model and what each stage made of it, measured. */
  readonly outcomes: readonly StageOutcome[];
  readonly pruning?: PruneRecord | undefined;
  /** Error of each layer's output as a share of its variance, before and after it was solved anew. */
  readonly reconstructed?: readonly LayerErrorChange[] | undefined;
  readonly clustered?: readonly ClusteredLayer[] | undefined;
  /** The int8 model made of `model`. */
  readonly quantized?: QuantizedModel | undefined;
  /** Of the int8 model that will be written. */
  readonly verified?: VerifiedModel | undefined;
}

export interface LayerErrorChange {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/** One layer's weights: how many there are, how many different ones before and after, and the share of their energy that is lost. */
export interface ClusteredLayer {
  readonly name: string;
  readonly weights: number;
  readonly before: number;
  readonly after: number;
  readonly error: number;
}

/** What every stage of a run is given. */
export interface FlowContext extends RunContext {
  /** The model as it was read and folded, its images and preprocessing. */
  readonly opened: Pick<OpenedModel, 'folded' | 'data' | 'preprocessing' | 'measuring'>;
  /** The float model that others are to predict like. @default `opened.folded` */
  readonly original?: Model | undefined;
  readonly seed: number;
  readonly limits: RunLimits;
  /** A better model, whose predictions are learned in place of the original's. */
  readonly teacher?: Model | undefined;
  /** In place of observing the calibration images. */
  readonly table?: CalibrationTable | undefined;
  /** What the last stage makes, as a person is told while it is measured: `compressed model`. @default by the stage's name */
  readonly makes?: string | undefined;
  /** What is written in the end: what has to be kept meanwhile lies beside it. */
  readonly out: string;
}

interface StageContext extends FlowContext {
  /** What the stage keeps for the case of an interruption. */
  readonly work: WorkFolder;
}

/** One step of a run, from a measured model to a measured model. */
export interface Stage<Plan = unknown> {
  /** Also that of its outcome. */
  readonly name: string;
  /** What decides it: its part of the plan, with defaults. */
  readonly plan: z.ZodType<Plan>;
  /** What it changes: a float model that has finished is kept, and not computed again; an int8 one follows from it in a moment. */
  readonly makes: 'float' | 'int8';
  /** It leaves other operations and parameters than there were. */
  readonly resizes: boolean;
  run(state: FlowState, plan: Plan, context: StageContext): Promise<FlowState>;
}

/** A stage with its part of the plan: what a command is a list of. */
export interface PlannedStage extends Omit<Stage, 'plan' | 'run'> {
  readonly plan: unknown;
  run(state: FlowState, context: StageContext): Promise<FlowState>;
}

/** @throws {WaysideError} USAGE, CLUSTER_INVALID for what the stage's schema does not hold */
export function planned<Plan>(stage: Stage<Plan>, given: unknown): PlannedStage {
  const plan = parsedPlan(stage.plan, given);
  return { ...stage, plan, run: (state, context) => stage.run(state, plan, context) };
}
