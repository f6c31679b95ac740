import type { Uplink } from '../uplink.ts';
import { AgentLink } from './agent-link.ts';
import { AlarmReport } from './alarm-report.ts';
import { CameraStatusReport } from './camera-status-report.ts';
import { CountsReport } from './counts-report.ts';
import { DetectionsReport } from './detections-report.ts';
import { EventsReport } from './events-report.ts';
import type { DaemonView, Feature, FeatureDeps } from './feature.ts';
import { InfoReport } from './info-report.ts';
import { JournalReport } from './journal-report.ts';
import { MissReport } from './miss-report.ts';
import { RepeatRetained } from './repeat-retained.ts';
import { StateReport } from './state-report.ts';
import { TelemetryReport } from './telemetry-report.ts';
import { TrafficWatch } from './traffic-watch.ts';

/** Everything that the box does with what happens in it, in the order in which it hears of it. */
export function featuresOf(daemon: DaemonView, uplink: Uplink, deps: FeatureDeps): readonly Feature[] {
  const { log, trials } = deps;
  const misses = new MissReport(daemon);
  const alarms = new AlarmReport(daemon, uplink);
  return [
    new JournalReport(daemon, uplink, log), // first: what the others say must have somewhere to be kept
    alarms, // before the state, of which it hears
    new StateReport(daemon, uplink, log),
    new InfoReport(daemon, uplink),
    new RepeatRetained(uplink, alarms),
    new CameraStatusReport(daemon, uplink),
    new TrafficWatch(daemon, log),
    new DetectionsReport(daemon, uplink),
    new EventsReport(daemon, uplink),
    misses, // before the counts, which tell of it
    new CountsReport(daemon, uplink, misses, log),
    new AgentLink(daemon, trials, log),
    new TelemetryReport(daemon, uplink, deps), // last: it takes the time of what the others do with a frame
  ];
}
