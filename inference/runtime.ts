/**
 * The only door to ONNX Runtime. From 1.29 on, the library writes a device id and a database under `~/.cache/Microsoft`
 * and holds a telemetry endpoint unless this variable is set *before* it is loaded: hence an import that waits.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';

const ort = await import('onnxruntime-node');

// Warnings of the library (unused initializers, nodes put on other providers) are not the reader's business; errors are thrown.
ort.env.logLevel = 'error';

export const InferenceSession = ort.InferenceSession;
export const Tensor = ort.Tensor;

/** Version of ONNX Runtime in use, such as `1.30.0`. */
export const RUNTIME_VERSION: string = ort.env.versions.node ?? ort.env.versions.common;

export type {
  InferenceSession as OrtSession,
  Tensor as OrtTensor,
} from 'onnxruntime-node';
