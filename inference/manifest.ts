import { z } from 'zod';
import { CountingQuality } from './counting-quality.ts';
import { HEAD_OF_TASK, isFindingTask } from './heads/any-head.ts';
import { Preprocessing } from './preprocess.ts';

/** The newest package format that this code reads. Format 2 names the task; what needs no more is written in format 1. */
export const PACKAGE_FORMAT = 2;

/** What a model does with an image. Format 1 knew classification alone. */
export const TASKS = ['classification', 'detector', 'grid'] as const;

/** Names inside a package: relative, forward slashes, no segment that begins with a dot; so neither `..` nor `/etc`. */
export const PackagePath = z.string().regex(/^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/);
export const DigestText = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);
const share = z.number().min(0).max(1);

/** Measured in ONNX Runtime on the machine that made the package. */
const Figures = z.strictObject({
  /** Share of right answers, 0 to 1. */
  top1: share.optional(),
  top5: share.optional(),
  samples: z.int().min(0).optional(),
  /** Of a detector: its boxes beside those of the float model, on images that nothing was calibrated on. */
  boxes: z
    .strictObject({
      /** Harmonic mean of the shares of boxes that both found: score from 0.3 on, one class, an overlap (IoU) of a half. */
      f1: share,
      /** Mean overlap of those. */
      iou: share,
      images: z.int().min(1),
    })
    .optional(),
  /** On disk, of everything needed to load the model. */
  bytes: z.int().min(0),
  /** Median of one image on one thread, milliseconds. */
  latencyMs: z.number().min(0).optional(),
});

const GoldenEntry = z.strictObject({
  /** Raw RGB, `[height, width, 3]`, one byte a channel. */
  image: PackagePath,
  width: z.int().min(1),
  height: z.int().min(1),
  /** Scores, float32 little endian. */
  scores: PackagePath,
});

const Shape = z.strictObject({
  format: z.union([z.literal(1), z.literal(2)]),
  /** In format 2 alone, and there always. */
  task: z.enum(TASKS).optional(),
  /** In format 2 alone: not for the street. A box that runs it is degraded, and its counts say so. */
  purpose: z.literal('demonstration').optional(),
  /** Becomes part of MQTT messages and of folder names. */
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i),
  version: z.string().regex(/^[a-z0-9][a-z0-9.+_-]{0,63}$/i),
  /** Program and version that wrote it. */
  createdBy: z.string(),
  files: z.record(PackagePath, z.strictObject({ digest: DigestText, bytes: z.int().min(0) })),
  input: z.strictObject({ name: z.string(), shape: z.array(z.union([z.int(), z.string()])) }),
  output: z.strictObject({ name: z.string(), classes: z.int().min(1) }),
  preprocessing: Preprocessing,
  /** Of a detector or a grid, and only there: how its output is read. `output.classes` is how many classes it knows. */
  head: z.union([HEAD_OF_TASK.detector, HEAD_OF_TASK.grid]).optional(),
  /** Names of the classes, first is class 0; absent where nobody named them. */
  labels: z.array(z.string()).optional(),
  thresholds: z.strictObject({
    /** Least probability of an answer that is reported. */
    score: share,
    /** Where a class, by its name, deserves another. */
    classes: z.record(z.string(), share).optional(),
  }),
  /** Oldest ONNX Runtime that runs the model. */
  minimumRuntime: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** Processor family the code ranges were chosen for. */
  target: z.string().optional(),
  /** Digest of the float model this one was made from. */
  parentModel: DigestText.optional(),
  /** Everything that was decided on the way, enough to repeat it. */
  plan: z.record(z.string(), z.json()).optional(),
  measured: z
    .strictObject({ data: z.string().optional(), baseline: Figures.optional(), candidate: Figures })
    .optional(),
  /** How its counts were held against truth: a box states by it how wrong they are. */
  counting: CountingQuality.optional(),
  golden: z.strictObject({
    /** Largest difference of a score, as a share of the spread between the sample's highest and lowest score. */
    tolerance: z.number().positive().max(0.5),
    samples: z.array(GoldenEntry),
  }),
});

/** `manifest.json` of a model package: what a box must know to use `model.onnx`, and digests of every other file. */
export const Manifest = Shape.refine(
  ({ task, head }) => (isFindingTask(task) ? HEAD_OF_TASK[task].safeParse(head).success : head === undefined),
  {
    error: 'a model that finds objects, and only such a one, says how its output is read, in the form of its task',
    path: ['head'],
  },
);
export type Manifest = z.infer<typeof Manifest>;
