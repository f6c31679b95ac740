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
import { regionSchema, watchesMotion } from './region-schema.ts';
import { countingSchema, movementsFit, placesDiffer, trafficFields, unique } from './traffic-schema.ts';

export { mqttSchema };

/**
 * The configuration of one box. Unknown keys are refused; every default is the one `docs/reference/configuration.md` prints.
 * No secret is ever a value here: `passwordFile` and `passwordEnv` say where it is.
 */

const regionNames = unique<{ name: string }>((region) => region.name, 'names of regions');
const cameraIds = unique<{ id: string }>((camera) => camera.id, 'ids of cameras');

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
    /** What moves is classified as well, beside the regions or without any: a classifier then counts at lines and zones. */
    proposals: z.enum(['motion']).optional(),
    ...trafficFields,
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
    /** `auto`: hardware where a device is there and decodes a few frames of this camera, else software. */
    decode: z.enum(['auto', 'software', 'v4l2', 'jetson']).default('auto'),
  })
  .refine(hasOnePassword, onePassword)
  .refine(placesDiffer.check, placesDiffer.params)
  .refine(({ proposals, regions }) => proposals === undefined || !regions.some(watchesMotion), {
    error: 'it once: for all of the image here, or for some of its regions',
    path: ['proposals'],
  })
  .refine(movementsFit.check, movementsFit.params)
  .refine((value) => encrypted(value) || (value.ca === undefined && !value.insecure), {
    error: 'an `rtsps://` address beside `ca` and `insecure`',
  })
  .refine(({ decoder, decode }) => decode === 'auto' || (decoder?.command.length ?? 0) <= 1, {
    error: 'no `decode` beside a command that decodes by itself',
    path: ['decode'],
  })
  .refine((value) => value.ca === undefined || !value.insecure, { error: 'at most one of `ca` and `insecure`' })
  .refine((value) => !encrypted(value) || value.transport === 'tcp', {
    error: '`transport: tcp` beside an `rtsps://` address: RTP over UDP would not be encrypted',
  });

/** As packages are named. */
const modelName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, {
  error: '1 to 64 letters, digits, `.`, `-` or `_`: the name of a model',
});

export const modelKeys = z.array(path).min(1, { error: 'at least one key, or leave `keys` out' }).max(16).optional();

export const modelSchema = z
  .strictObject({
    /** Folder of the model package; absolute, or relative to the folder of the configuration file. */
    package: path.optional(),
    /** Root of a store of models, which the agent keeps; the daemon only reads it. */
    store: path.optional(),
    /** Of the model in the store. */
    name: modelName.optional(),
    /** Public keys (PEM), one of which must have signed the package. Without them, nobody has to have signed it. */
    keys: modelKeys,
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
