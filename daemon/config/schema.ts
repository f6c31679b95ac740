import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { mqttSchema } from '../../contract/mqtt/settings.ts';
import {
  address,
  hasOnePassword,
  id,
  integerWithin,
  onePassword,
  path,
  secret,
  within,
} from '../../core/config/fields.ts';
import { groundPlane } from '../vision/ground-plane.ts';

export { mqttSchema };

/**
 * The configuration of one box. Unknown keys are refused; every default is the one `docs/reference/configuration.md` prints.
 * No secret is ever a value here: `passwordFile` and `passwordEnv` say where it is.
 */

const share = within(0, 1);

export const regionSchema = z.strictObject({
  name: id,
  /** `[x, y, width, height]` in shares of the image, from the top left. */
  box: z
    .tuple([share, share, share, share], { error: 'four shares of the image: [x, y, width, height]' })
    .refine(([x, y, w, h]) => w > 0 && h > 0 && x + w <= 1 + 1e-9 && y + h <= 1 + 1e-9, {
      error: 'a box inside the image: x + width <= 1, y + height <= 1, neither empty',
    }),
});

const unique = <T>(key: (item: T) => string, what: string) => ({
  check: (items: readonly T[]) => new Set(items.map(key)).size === items.length,
  error: `${what} that differ from each other`,
});
const regionNames = unique<{ name: string }>((region) => region.name, 'names of regions');
const cameraIds = unique<{ id: string }>((camera) => camera.id, 'ids of cameras');

const point = z.tuple([share, share], { error: 'two shares of the image: [x, y]' });
const placeIds = unique<{ id: string }>((place) => place.id, 'ids of lines and zones');
const laneIds = unique<{ id: string }>((lane) => lane.id, 'ids of lanes');
const movementIds = unique<{ id: string }>((movement) => movement.id, 'ids of movements');

export const lineSchema = z
  .strictObject({
    id,
    /** In shares of the image, from the top left. `forward` is from left to right when looking from `from` to `to`. */
    from: point,
    to: point,
    /** Parts of the line, from one share of its length to another. */
    lanes: z
      .array(
        z
          .strictObject({ id, from: share, to: share })
          .refine((lane) => lane.from < lane.to, { error: 'a lane from a smaller share of the line to a larger one' }),
      )
      .max(16)
      .refine(laneIds.check, { error: laneIds.error })
      .default([]),
    /** Who passes in this direction is reported as going the wrong way. */
    wrongWay: z.enum(['forward', 'backward']).optional(),
  })
  .refine(({ from, to }) => Math.hypot(from[0] - to[0], from[1] - to[1]) > 0.01, {
    error: 'a line whose ends are apart by more than a hundredth of the image',
  });

export const zoneSchema = z.strictObject({
  id,
  /** Corners in shares of the image, in order. */
  polygon: z.array(point).min(3, { error: 'at least three corners' }).max(64),
  /** Who stands in it for so long is reported as stopped. */
  stoppedSeconds: within(1, 3600).optional(),
});

const fourPoints = <T extends z.ZodType>(each: T) => z.tuple([each, each, each, each], { error: 'four points' });

/** Four places on the image and on the ground: speeds are measured on the plane through them. */
const calibrationSchema = z
  .strictObject({
    image: fourPoints(point),
    /** m, on any two axes at right angles to each other. */
    metres: fourPoints(z.tuple([z.number(), z.number()], { error: 'two lengths in metres: [x, y]' })),
  })
  .refine((value) => groundPlane(value) !== undefined, {
    error: 'four points of which no three lie on one line, all before the horizon',
  });

const movementSchema = z
  .strictObject({
    id,
    /** Ids of a line or zone of this camera. */
    from: id,
    to: id,
  })
  .refine(({ from, to }) => from !== to, { error: 'from one place to another' });

const encrypted = ({ url }: { readonly url: string }): boolean => /^rtsps:/i.test(url);

export const cameraSchema = z
  .strictObject({
    id,
    url: address(['rtsp', 'rtsps']),
    ...secret,
    /** Frames a second taken from the stream; what the model cannot keep up with is dropped and counted. */
    rate: within(0.05, 60).default(5),
    /** Classes with a lower score are not sent; without it, the thresholds of the model package hold. */
    threshold: within(0, 1).optional(),
    /** At most so many classes a region are sent, best first. */
    topK: integerWithin(1, 100).default(3),
    /** Parts of the image, each classified by itself; none means the whole image, named `frame`. */
    regions: z.array(regionSchema).max(64).refine(regionNames.check, { error: regionNames.error }).default([]),
    /** What crosses them is counted, where the model finds objects. */
    lines: z.array(lineSchema).max(64).default([]),
    /** Who enters, leaves or stops in them is reported. */
    zones: z.array(zoneSchema).max(64).default([]),
    movements: z.array(movementSchema).max(256).refine(movementIds.check, { error: movementIds.error }).default([]),
    /** Without it there are no speeds. */
    calibration: calibrationSchema.optional(),
    /** RTP inside the connection, or beside it where the camera has nothing else; `auto` tries both in this order. */
    transport: z.enum(['tcp', 'udp', 'auto']).default('tcp'),
    /** PEM file with the authority of an `rtsps://` camera's certificate, or the certificate itself; the system's authorities without it. */
    ca: path.optional(),
    /** Any certificate of an `rtsps://` camera is taken. */
    insecure: z.boolean().default(false),
    /** For the camera to be reached and to describe itself. */
    connectSeconds: within(1, 120).default(15),
    /** A decoder whose frames are further behind the camera is started anew, or asked for less. */
    maxLagSeconds: within(0.5, 60).default(2),
    /** Without a new frame for so long the decoder is replaced; a camera that is known to be slow is given three of its intervals. */
    stallSeconds: within(1, 300).default(3),
    /** Resident memory above which the decoder is replaced. */
    memoryLimitMb: integerWithin(32, 65_536).default(512),
    /** Another decoder than the system's ffmpeg: see docs/reference/configuration.md for what it must print. */
    decoder: z.strictObject({ command: z.array(z.string().min(1)).min(1) }).optional(),
  })
  .refine(hasOnePassword, onePassword)
  .refine(({ lines, zones }) => placeIds.check([...lines, ...zones]), { error: placeIds.error, path: ['lines'] })
  .refine(
    ({ lines, zones, movements }) => {
      const places = new Set([...lines, ...zones].map((place) => place.id));
      return movements.every(({ from, to }) => places.has(from) && places.has(to));
    },
    { error: 'movements between lines and zones of this camera', path: ['movements'] },
  )
  .refine((value) => encrypted(value) || (value.ca === undefined && !value.insecure), {
    error: 'an `rtsps://` address beside `ca` and `insecure`',
  })
  .refine((value) => value.ca === undefined || !value.insecure, { error: 'at most one of `ca` and `insecure`' })
  .refine((value) => !encrypted(value) || value.transport === 'tcp', {
    error: '`transport: tcp` beside an `rtsps://` address: RTP over UDP would not be encrypted',
  });

/** As packages are named. */
const modelName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, {
  error: '1 to 64 letters, digits, `.`, `-` or `_`: the name of a model',
});

export const modelSchema = z
  .strictObject({
    /** Folder of the model package; absolute, or relative to the folder of the configuration file. */
    package: path.optional(),
    /** Root of a store of models, which the agent keeps; the daemon only reads it. */
    store: path.optional(),
    /** Of the model in the store. */
    name: modelName.optional(),
    /** Public keys (PEM), one of which must have signed the package. Without them, nobody has to have signed it. */
    keys: z.array(path).min(1, { error: 'at least one key, or leave `keys` out' }).max(16).optional(),
    /** Threads inside one operator; `auto` measures, when the model is loaded, whether more than one is worth it. */
    threads: z.union([integerWithin(1, 64), z.literal('auto')], { error: '1 to 64, or `auto`' }).default('auto'),
    /** What computes; where it does not run this model, the CPU does, and `info` says so. */
    provider: z.enum(['cpu', 'cuda', 'tensorrt']).default('cpu'),
    /** Folder with another ONNX Runtime (`libonnxruntime.so.1` and its providers) than the one that came with the software. */
    runtimeLibrary: path.refine(isAbsolute, { error: 'an absolute path' }).optional(),
    /** Resident memory above which the inference process is replaced. */
    memoryLimitMb: integerWithin(64, 65_536).default(1024),
    /** An answer that takes longer counts as a hang. */
    hangSeconds: within(1, 600).default(10),
  })
  .refine((value) => value.package === undefined || (value.store === undefined && value.name === undefined), {
    error: 'either `package`, or `store` and `name`, not both',
  })
  .refine((value) => value.package !== undefined || (value.store !== undefined && value.name !== undefined), {
    error: '`package`, or `store` and `name`',
  });

export const agentSchema = z.strictObject({
  /** Unix socket of the agent. */
  socket: path,
});

/** The key by which the box is known: made by `wayside init`. */
export const identitySchema = z.strictObject({
  /** Private half, PEM. */
  key: path,
  /** Public half, with the keys that came before. */
  chain: path,
});

/** Lengths of intervals that fit a day and an hour evenly, s. */
const INTERVALS = [30, 60, 300, 900, 3600];

export const countingSchema = z.strictObject({
  /** s, on even times of the wall clock. */
  intervals: z
    .array(z.int())
    .min(1)
    .max(INTERVALS.length)
    .refine((all) => all.every((each) => INTERVALS.includes(each)) && new Set(all).size === all.length, {
      error: `lengths in seconds, each once: ${INTERVALS.join(', ')}`,
    })
    .default([60]),
  /** Name of the classes below, for whoever reads the counts. */
  classScheme: id.optional(),
  /** The classes that are counted, each with the classes of the model that belong to it. Without them: road users. */
  classes: z.record(id, z.array(z.string().min(1)).min(1)).optional(),
});

/** What must not be lost waits there until the broker has confirmed it. */
export const journalSchema = z.strictObject({
  /** @default `journal` in the state folder that systemd gives the daemon; without one, none is kept */
  folder: path.optional(),
  /** Of all that is kept: beyond it the oldest go, and a message says which. */
  quotaMb: integerWithin(1, 1_000_000).default(256),
  /** How long what is confirmed stays. */
  keepDays: within(0, 3650).default(30),
});

export const configSchema = z
  .strictObject({
    site: id,
    box: id,
    mqtt: mqttSchema,
    model: modelSchema,
    /** The agent that brings models to this box; without it none is tried. */
    agent: agentSchema.optional(),
    identity: identitySchema.optional(),
    journal: journalSchema.prefault({}),
    cameras: z
      .array(cameraSchema)
      .min(1, { error: 'at least one camera' })
      .max(64)
      .refine(cameraIds.check, { error: cameraIds.error }),
    counting: countingSchema.prefault({}),
    /** The cameras show the rendered street: a model that was made for it is right here. */
    demonstration: z.boolean().default(false),
    telemetry: z.strictObject({ intervalSeconds: within(1, 3600).default(10) }).prefault({}),
    log: z
      .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info') })
      .prefault({}),
  })
  .refine(({ agent, model }) => agent === undefined || model.store !== undefined, {
    error: '`model.store` and `model.name` beside `agent`: it brings models to a store',
    path: ['agent'],
  });

export type Config = z.infer<typeof configSchema>;
export type CameraConfig = z.infer<typeof cameraSchema>;
export type MqttConfig = z.infer<typeof mqttSchema>;
export type IdentityConfig = z.infer<typeof identitySchema>;
export type ModelConfig = z.infer<typeof modelSchema>;
