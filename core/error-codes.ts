/**
 * Every error Wayside raises on purpose, with the exit code the command line ends with (BSD sysexits) and what it means.
 *
 * A code is part of the contract with scripts and with the control centre: it is never renamed, only retired.
 * `docs/reference/errors.md` lists the same table; a test keeps both equal.
 */

/** BSD `sysexits.h`, so that scripts can tell the kinds of failure apart. */
export const Exit = {
  ok: 0,
  failed: 1,
  usage: 64,
  data: 65,
  noInput: 66,
  unavailable: 69,
  software: 70,
  io: 74,
  config: 78,
  interrupted: 130,
} as const;

export type ExitCode = (typeof Exit)[keyof typeof Exit];

interface ErrorCodeEntry {
  readonly exit: ExitCode;
  readonly meaning: string;
}

const entry = (exit: ExitCode, meaning: string): ErrorCodeEntry => ({ exit, meaning });

export const ERROR_CODES = {
  // core
  USAGE: entry(Exit.usage, 'an option or argument of a command is missing, unknown or out of range'),
  FILE_NOT_FOUND: entry(Exit.noInput, 'a file or folder that was named does not exist or cannot be read'),
  FILE_WRITE_FAILED: entry(
    Exit.io,
    'a result could not be written: disk full, no permission, or the target is in the way',
  ),
  OUTPUT_EXISTS: entry(Exit.usage, 'the output already exists and is not replaced without being asked'),
  INTERRUPTED: entry(
    Exit.interrupted,
    'the command was stopped by a signal; its message says what it left to go on from, if anything',
  ),
  RESOURCES_SHORT: entry(Exit.unavailable, 'the machine or its limits give too few file descriptors'),
  INTERNAL: entry(Exit.software, 'a fault of Wayside itself: please report it with the text printed'),
  INTEGER_OVERFLOW: entry(
    Exit.software,
    'a number does not fit the integer type it is stored in: it is refused where it would have been wrapped',
  ),

  // onnx
  MODEL_DECODE: entry(Exit.data, 'the bytes are not a complete ONNX model'),
  MODEL_INVALID: entry(Exit.data, 'the model breaks a rule of the ONNX format, or a pass left it broken'),
  MODEL_UNSUPPORTED: entry(Exit.data, 'the model uses something this version does not handle'),
  MODEL_NOT_FINITE: entry(Exit.data, 'weights of a model, or what it answers to real images, are NaN or infinite'),
  MODEL_TOO_LARGE: entry(Exit.data, 'the model, or what it declares, exceeds a stated limit'),
  EXTERNAL_DATA: entry(Exit.data, 'external tensor data is missing, short, or lies outside the folder of the model'),
  SHAPE_INFERENCE: entry(Exit.data, 'the shapes of the model contradict each other'),
  PASS_FAILED: entry(Exit.software, 'a graph pass did not establish what it promises'),

  // inference
  SESSION_LOAD: entry(Exit.data, 'ONNX Runtime refused to load the model'),
  SESSION_RUN: entry(Exit.software, 'ONNX Runtime failed while running the model'),
  PACKAGE_INVALID: entry(Exit.data, 'a model package is incomplete, altered, or made for a newer version'),
  GOLDEN_MISMATCH: entry(Exit.data, 'the package does not reproduce its golden samples on this processor'),
  IMAGE_DECODE: entry(Exit.data, 'an image file could not be decoded'),
  PREPROCESS_MISMATCH: entry(Exit.data, 'the preprocessing does not fit the input of the model'),

  // calibration
  DATASET_INVALID: entry(Exit.data, 'a data set is missing, empty, truncated or has no usable labels'),
  CALIBRATION_MISMATCH: entry(Exit.data, 'a calibration table was made for another model or other data'),
  CALIBRATION_INVALID: entry(Exit.data, 'a calibration table is damaged or holds values that are not finite'),

  // compression, exporter
  MODEL_QUANTIZED: entry(Exit.data, 'the model is quantized already, where a float model is needed'),
  NOTHING_TO_DO: entry(Exit.data, 'the command would have left the model as it is, and wrote nothing'),
  CLUSTER_INVALID: entry(Exit.usage, 'the clustering asked for is impossible'),
  BUDGET_MISSED: entry(Exit.data, 'the compressed model loses more accuracy than was allowed, and was not written'),
  FUSION_INCOMPLETE: entry(Exit.data, 'convolutions or matrix products stayed in float after quantization'),
  LAYERS_NOISY: entry(
    Exit.data,
    'layers of the int8 model have less than 6 dB of signal to noise beside the float model, which was not written',
  ),
  PARITY_FAILED: entry(Exit.software, 'a transformed model does not compute what the original does'),

  PRUNING_IMPOSSIBLE: entry(Exit.data, 'the goal of a pruning cannot be reached'),
  CHECKPOINT_INVALID: entry(Exit.data, 'a checkpoint is damaged, or belongs to another training'),
  TRAINING_DIVERGED: entry(Exit.data, 'the loss of a training is no longer finite'),
  TRAINING_LOST: entry(Exit.software, 'a process that computes part of a training ended by itself'),

  // deploy
  BUNDLE_INVALID: entry(Exit.data, 'a bundle is damaged, cut short, or holds what no bundle may'),
  BUNDLE_TOO_LARGE: entry(Exit.data, 'a bundle, or what it declares to hold, exceeds a stated limit'),
  SIGNATURE_MISSING: entry(Exit.data, 'a model package is not signed, where a signature is asked for'),
  SIGNATURE_INVALID: entry(Exit.data, 'the signature of a model package is by another key, damaged, or of other files'),
  KEY_INVALID: entry(Exit.data, 'a key cannot be read, or is of a kind that signs no packages'),
  BUNDLE_PARENT: entry(Exit.data, 'a bundle holds differences from another package than the one that is here'),

  // daemon
  CONFIG_INVALID: entry(Exit.config, 'the configuration does not fit its schema'),
  SECRET_UNREADABLE: entry(Exit.config, 'a secret named in the configuration could not be read'),
  IDENTITY_INVALID: entry(
    Exit.config,
    'the identity key of a box, or the chain of keys that vouches for it, is damaged or of another kind',
  ),
  ANSWERS_INVALID: entry(Exit.data, 'answers for `wayside init` are incomplete, unknown, or contradict each other'),
  SERVICE_FAILED: entry(Exit.unavailable, 'systemd did not start a service of this box'),
  RELOAD_UNANSWERED: entry(Exit.unavailable, 'a running daemon did not say in time how a reload ended'),
  DECODER_UNAVAILABLE: entry(Exit.unavailable, 'no usable video decoder was found'),
  VIDEO_INVALID: entry(Exit.data, 'a video file cannot be decoded, or holds no video'),
  HAND_COUNT_INVALID: entry(Exit.data, 'a hand count cannot be read, or is of other lines than are counted'),
  VERDICT_INVALID: entry(Exit.data, 'a verdict of an acceptance was altered, or not signed by the key that is trusted'),
  CAMERA_REFUSED: entry(Exit.unavailable, 'a camera refused the connection: address, path or credentials'),
  CAMERA_LOST: entry(Exit.unavailable, 'a camera ended the stream or stopped sending frames'),
  CAMERA_NOT_RTSP: entry(Exit.unavailable, 'what answers at the address of a camera does not speak RTSP'),
  CAMERA_NO_VIDEO: entry(Exit.unavailable, 'a camera answers and describes no video'),
  CAMERA_TRANSPORT: entry(Exit.unavailable, 'a camera refuses the transport that is asked for: see `transport`'),
  CAMERA_REDIRECT: entry(Exit.unavailable, 'a camera redirects too often, in a circle, or to where it is not followed'),
  CAMERA_TLS: entry(Exit.unavailable, 'the certificate of a camera is not trusted, or TLS with it fails'),
  CAMERA_BEHIND: entry(Exit.unavailable, 'frames of a camera come later than is allowed'),
  CAMERA_CLOCK: entry(Exit.unavailable, 'the timestamps of a camera cannot be used'),
  CAMERA_VIEW: entry(
    Exit.unavailable,
    'a camera shows no street, or not as it used to: frozen, dark, covered, a test pattern, moved or blurred',
  ),
  JOURNAL_INVALID: entry(Exit.data, 'a journal is not as the box wrote it, or is cut short; or a checkpoint is none'),
  DRILL_REFUSED: entry(Exit.failed, 'a drill was not begun: no maintenance window is open, or no daemon runs'),
  BROKER_UNAVAILABLE: entry(Exit.unavailable, 'the MQTT broker could not be reached or refused the connection'),
  INFERENCE_LOST: entry(Exit.software, 'the inference process ended or stopped answering'),

  // deploy
  UPDATE_REFUSED: entry(
    Exit.data,
    'the repository offers what its keys did not sign, what is older than what was seen, or what does not fit together',
  ),
  UPDATE_EXPIRED: entry(
    Exit.data,
    'the metadata of the repository is expired: nobody refreshes it, or old metadata is served in its place',
  ),
  UPDATE_STATE_LOST: entry(
    Exit.data,
    'what the box knows of the versions it has seen is damaged in every copy: an older version could be offered unseen',
  ),
  TARGET_UNKNOWN: entry(Exit.data, 'the repository has no such target, or nobody who may sign it did'),
  REPOSITORY_INVALID: entry(Exit.data, 'a folder is no update repository, or its metadata is damaged'),
  REPOSITORY_BUSY: entry(Exit.unavailable, 'an update repository is being published by another process'),
  REPOSITORY_UNSIGNED: entry(Exit.data, 'what is to be published is not signed by as many keys as it needs'),
  SIGNING_KEY: entry(Exit.data, 'a key file is damaged, of another kind, or does not open with the passphrase'),
  SIGNER_FAILED: entry(Exit.unavailable, 'the command that signs failed, or printed what is no signature of its key'),
  DOWNLOAD_FAILED: entry(Exit.unavailable, 'a server could not be reached, answered with an error, or broke off'),
  DOWNLOAD_SLOW: entry(Exit.unavailable, 'a download came slower than the lowest rate that is allowed'),
  DOWNLOAD_TOO_LARGE: entry(Exit.data, 'a server sends more than was signed, or than the quota allows'),

  // demo
  VIDEO_SOURCE_FAILED: entry(Exit.unavailable, 'the loopback camera could not read, render or encode its images'),
  LISTEN_FAILED: entry(Exit.unavailable, 'a local server could not open its port'),
  DEMO_FAILED: entry(Exit.unavailable, 'a part of the demonstration ended by itself, or no detection arrived'),

  // updates
  STORE_FORMAT: entry(Exit.config, 'the store of models was written by newer software than reads it'),
  STORE_STATE: entry(Exit.failed, 'a slot of the store does not hold what the step asks for'),
  STORE_NOTHING_TO_ROLL_BACK: entry(Exit.failed, 'the package that came with the software runs already'),
  BROKER_REFUSED: entry(Exit.failed, 'the broker does not let this user write a topic'),
  ROLLOUT_NO_BOXES: entry(Exit.failed, 'no box that a rollout means reports to the broker'),
  ROLLOUT_ACTIVE: entry(Exit.failed, 'another rollout of the site has not ended'),
  ROLLOUT_NONE: entry(Exit.failed, 'the site has no rollout, or none in a state that the command is for'),
  ROLLOUT_OVERTAKEN: entry(Exit.failed, 'another operator changed the rollout at the same time, and precedes'),
  ROLLOUT_NOT_WRITTEN: entry(
    Exit.failed,
    'the broker did not keep what was written of a rollout: it may not be allowed',
  ),
  ROLLOUT_FAILED: entry(Exit.failed, 'a rollout was stopped, aborted or taken back'),
  JOB_REPLAYED: entry(Exit.failed, 'the number of a job is not above every one that the box has seen'),
  JOB_INVALID: entry(Exit.data, 'a job breaks the contract, or names limits of a trial that do not fit'),
  UPDATE_OTHER_MODEL: entry(Exit.data, 'a job is for another model than the box runs'),
  UPDATE_BELOW_MINIMUM: entry(Exit.data, 'a version is older than the repository allows'),
  UPDATE_KNOWN_BAD: entry(Exit.data, 'a package failed its trial on this box before'),
  UPDATE_FORMAT: entry(Exit.data, 'a package has a format that the daemon of the box does not read'),
  UPDATE_NO_SPACE: entry(Exit.io, 'an update does not fit on the disk beside what is kept free'),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
