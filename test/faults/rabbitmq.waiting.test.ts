import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InfoReport } from '../../daemon/features/info-report.ts';
import { RepeatRetained } from '../../daemon/features/repeat-retained.ts';
import { StateReport } from '../../daemon/features/state-report.ts';
import { temporaryFolder } from '../support/folder.ts';
import { Listener } from '../support/listener.ts';
import { RabbitMq } from '../support/rabbitmq.ts';
import { configurationFor, ReportingBox } from '../support/reporting-box.ts';
import { describeWith } from '../support/requirements.ts';

const REPEAT_MS = 3000;

describeWith({ needs: ['rabbitmq-server'] }, 'RabbitMQ, which gives a wildcard subscriber nothing retained', () => {
  const folder = temporaryFolder();
  let broker: RabbitMq;
  let box: ReportingBox;
  beforeAll(async () => {
    broker = await RabbitMq.start(folder());
    box = new ReportingBox(await configurationFor(broker.url, folder()));
    const { daemon, uplink } = box;
    const log = pino({ level: 'silent' });
    const repeated = new RepeatRetained(uplink, { repeat: () => undefined }, REPEAT_MS);
    box.start([new StateReport(daemon, uplink, log), new InfoReport(daemon, uplink), repeated]);
  }, 90_000);
  afterAll(async () => {
    await box.stop();
    await broker.stop();
  });

  it('lets one that comes late see state and info within the interval of repetition', async () => {
    const present = await Listener.start(broker.url);
    await Promise.all([present.next('state'), present.next('info')]); // so they were published, and are old news

    const late = await Listener.start(broker.url);
    const from = performance.now();
    const [state, info] = await Promise.all([late.next('state'), late.next('info')]);
    await late.stop();
    await present.stop();
    expect(state.message).toMatchObject({ state: 'online', reasons: [] });
    expect(info.message.cameras).toEqual([]);
    for (const { at, kind, retained } of [state, info]) {
      expect(retained, 'the broker gave it from its memory: the repetition was not needed').toBe(false);
      // The first repetition after it came: who was there before heard no other meanwhile.
      const meanwhile = present.heard.filter((each) => each.kind === kind && each.at > from && each.at <= at);
      expect(meanwhile.length).toBeLessThanOrEqual(1);
    }
  });
});
