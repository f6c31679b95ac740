import type { AdmittedPackage } from '../../deploy/admit.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { ModelConfig } from '../config/schema.ts';

/** The model in use and how it is run. */
export interface RunningModel {
  readonly admitted: AdmittedPackage;
  readonly config: ModelConfig;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Everything that decides about a connection to the broker and the topics on it. */
const connectionOf = ({ config: { site, box, mqtt, telemetry }, secrets }: LoadedConfig): unknown => {
  const { ca, cert, key } = secrets.tls;
  return [site, box, mqtt, telemetry, secrets.mqtt, ...[ca, cert, key].map((pem) => pem?.toString('utf8'))];
};

/** Whether the broker can stay connected under the next configuration: same broker, credentials, certificates, topics. */
export const sameConnection = (current: LoadedConfig, next: LoadedConfig): boolean =>
  same(connectionOf(current), connectionOf(next));

/** Whether the running process is what the next configuration asks for: same package, byte for byte, run the same way. */
export const sameModel = (running: RunningModel, next: RunningModel): boolean =>
  running.admitted.dir === next.admitted.dir &&
  running.admitted.identity.digest === next.admitted.identity.digest &&
  same(running.config, next.config);

/** Whether two configurations say the same of the model, of where it comes from and of who brings it. */
export const sameModelSettings = (current: LoadedConfig, next: LoadedConfig): boolean =>
  same([current.config.model, current.config.agent], [next.config.model, next.config.agent]);
