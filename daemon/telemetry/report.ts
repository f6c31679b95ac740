import type { ModelIdentity } from '../../contract/messages/envelope.ts';
import type { Body } from '../../contract/messenger.ts';
import type { PublisherStatus } from '../../contract/mqtt/publisher.ts';
import type { CameraStatus } from '../camera/types.ts';
import type { ServiceStatus } from '../inference/service.ts';
import type { JournalStatus } from '../journal/journal.ts';
import type { ClockStepsSeen } from './clock-steps.ts';
import { descendantsOf } from './descendants.ts';
import type { HostFigures } from './host.ts';
import { residentBytes, residentBytesOf } from './processes.ts';
import type { StageLatencies } from './stages.ts';

interface Reported {
  readonly host: HostFigures;
  readonly stages: StageLatencies;
  readonly cameras: readonly CameraStatus[];
  readonly inference: ServiceStatus;
  readonly mqtt: PublisherStatus;
  readonly journal: JournalStatus | undefined;
  readonly clockSteps: ClockStepsSeen;
  readonly model: ModelIdentity | null;
  readonly intervalSeconds: number;
  readonly uptimeSeconds: number;
}

const hundredth = (value: number): number => Math.round(value * 100) / 100;

/** Puts one telemetry message together. Null where something was not seen: no camera is not 0 frames a second. */
export function telemetryBody({
  host,
  stages,
  cameras,
  inference,
  mqtt,
  journal,
  clockSteps,
  ...rest
}: Reported): Body<'telemetry'> {
  const sum = (of: (status: CameraStatus) => number): number | null =>
    cameras.length === 0 ? null : hundredth(cameras.reduce((total, status) => total + of(status), 0));
  return {
    model: rest.model,
    intervalSeconds: hundredth(rest.intervalSeconds),
    uptimeSeconds: Math.round(rest.uptimeSeconds),
    ...host,
    stages: stages.take(),
    fps: { received: sum((each) => each.fpsIn), analysed: sum((each) => each.fpsAnalysed) },
    frames: { analysed: sum((each) => each.analysed), dropped: sum((each) => each.dropped) },
    inference: { ready: inference.state === 'ready', restarts: inference.restarts },
    mqtt: {
      reconnects: mqtt.reconnects,
      resets: mqtt.resets,
      detectionsDropped: mqtt.droppedByKind.get('detections') ?? 0,
      telemetryDropped: mqtt.droppedByKind.get('telemetry') ?? 0,
    },
    journal: journal === undefined ? null : journalFigures(journal, rest.uptimeSeconds),
    clockSteps,
    processes: {
      supervisorBytes: residentBytes(process.pid),
      inferenceBytes: residentBytesOf(inference.pids),
      decodersBytes: residentBytesOf(descendantsOf(process.pid, inference.pids)),
    },
  };
}

const DAY_SECONDS = 86_400;

/** @param uptimeSeconds of the session in which that was written */
const journalFigures = (
  { depth, lost, bytesWritten }: JournalStatus,
  uptimeSeconds: number,
): NonNullable<Body<'telemetry'>['journal']> => ({
  depth,
  lost,
  writtenBytes: bytesWritten,
  writtenBytesPerDay: uptimeSeconds < 60 ? null : Math.round((bytesWritten * DAY_SECONDS) / uptimeSeconds),
});
