import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { type Modem, whyNoModem } from '../../harness/site/modem.ts';
import { type Deliveries, ThinLink } from '../../harness/site/thin-link.ts';

const DEAD_MS = 20_000;
const THIN_MS = 40_000;
const BITS_PER_SECOND = 16_000;
/** A minute of that link: modems are known to hold back more. */
const MODEM_BUFFER_BYTES = 120_000;

async function dead(modem: Modem): Promise<void> {
  await modem.die();
  await delay(DEAD_MS);
  await modem.revive();
}

async function thin(modem: Modem): Promise<void> {
  await modem.thin(BITS_PER_SECOND, MODEM_BUFFER_BYTES);
  await delay(THIN_MS);
  await modem.wide();
}

const TROUBLES = [
  ['dead for 20 s', dead],
  ['16 kbit/s for 40 s', thin],
] as const;

function figuresOf(subject: string, trial: Deliveries): Figure[] {
  const count = (measure: string, value: number): Figure => ({ subject, measure, value, unit: '' });
  return [
    count('delivered', trial.delivered),
    { ...count('older than 5 s', trial.tooOld), limit: { atMost: 0 } },
    { subject, measure: 'median age', value: trial.medianMs / 1000, unit: 's' },
    { subject, measure: 'oldest', value: trial.oldestMs / 1000, unit: 's' },
    count('missing', trial.missing),
    count('counted as dropped', trial.counted),
    count('connections reset', trial.resets),
  ];
}

export const thinLink: Benchmark = {
  name: 'thin-link',
  title: 'Detections over a link that dies or turns thin',
  method:
    'The daemon in a network namespace, a modem in another, mosquitto and a subscriber beyond it; a camera at 10 frames a second, about 1 KB a detection. ' +
    'The link is dead (every packet dropped, both ways) for 20 s, or its uplink has 16 kbit/s for 40 s, with a modem that holds 120 KB back (a minute) before it drops. ' +
    'Age is from the capture of the frame to the subscriber. Missing are the numbers (`seq`) that never arrived, counted as dropped what `telemetry.mqtt.detectionsDropped` says: ' +
    'it also counts what was cut off before its arrival was confirmed, some of which did arrive.',
  layout: 'grid',
  needs: ['mosquitto'],
  async run({ scratch, say, signal }) {
    const lacking = await whyNoModem();
    if (lacking !== undefined) return { skipped: `needs ${lacking}` };
    const figures: Figure[] = [];
    for (const tls of [false, true]) {
      const link = await ThinLink.start(join(scratch, tls ? 'tls' : 'tcp'), {
        model: join(PACKAGE_ROOT, 'demo', 'package'),
        tls,
      });
      try {
        for (const [name, trouble] of TROUBLES) {
          const subject = `${tls ? 'TLS' : 'TCP'}, ${name}`;
          say(subject);
          figures.push(...figuresOf(subject, await link.trial(trouble)));
          signal.throwIfAborted();
        }
      } finally {
        await link.close();
      }
    }
    return { figures, notes: [] };
  },
};
