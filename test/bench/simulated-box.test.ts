import { pino } from 'pino';
import { expect, it } from 'vitest';
import { SimulatedBox } from '../../bench/harness/rollout/simulated-box.ts';
import { groupTopic, rootTopic, topicOf } from '../../contract/messages/topics.ts';
import { seededRandom } from '../../core/random.ts';
import { jobBody, OfficeVoice } from '../../deploy/rollout/jobs.ts';
import { freePort } from '../support/mosquitto.ts';
import { QuietBroker } from '../support/quiet-broker.ts';
import { until } from '../support/until.ts';

it('a job that is sent again to a box which never answers is one job, and was not tried', async () => {
  const port = await freePort();
  const broker = new QuietBroker(port);
  await broker.open();
  const fate = (version: string) => (version === '2' ? undefined : ('good' as const));
  const url = `mqtt://127.0.0.1:${port}`;
  const silent = pino({ level: 'silent' });
  const random = seededRandom(1);
  const box = new SimulatedBox({ url, site: 's', id: 'a', groups: ['g'], log: silent, random, fate, stepMs: 1 });
  box.start();
  const voice = new OfficeVoice();
  const say = async (topic: string, job: number, version: string): Promise<void> => {
    const rollout = { id: 'r', model: { name: 'vehicles', version } };
    const body = jobBody(rollout, {
      job,
      action: 'install',
      unknownAt: undefined,
      byGroup: false,
      spreadSeconds: undefined,
    });
    await broker.say(topic, voice.compose(topic, 'model-desired', body, 0));
  };
  const own = topicOf(rootTopic('s', 'a'), 'model-desired');
  try {
    await until('its report', () => broker.retained.size > 0);
    await say(own, 7, '2');
    await until('the job', () => box.heard.size === 1);
    await say(own, 7, '2');
    await say(groupTopic('s', 'g'), 7, '2');
    await until('both repetitions', () => box.replayed === 2);
    expect([[...box.heard], [...box.tried]]).toEqual([[[7, '2']], []]);
    await say(own, 8, '3');
    await until('one that it answers', () => box.version === '3');
    expect([[...box.heard.keys()], [...box.tried]]).toEqual([[7, 8], ['3']]);
  } finally {
    await box.stop();
    await broker.close();
  }
});
