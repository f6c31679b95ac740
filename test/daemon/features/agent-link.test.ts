import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadedConfig } from '../../../daemon/config/load.ts';
import { parseConfig } from '../../../daemon/config/load.ts';
import { AgentLink } from '../../../daemon/features/agent-link.ts';
import { type AnalysedFrame, DaemonView, type Present } from '../../../daemon/features/feature.ts';
import type { TrialControl } from '../../../daemon/trial/trials.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TrialAgent } from '../../support/trial-agent.ts';
import { until } from '../../support/until.ts';

const modelOf = (version: string) => ({ name: 'm', version, digest: `sha256:${version.repeat(64)}` });

describe('the line to the agent', () => {
  const folder = temporaryFolder();
  const asked: string[] = [];
  const trials: TrialControl = {
    begin: ({ trial }) => void asked.push(`begin ${trial}`),
    takeOver: (trial) => void asked.push(`take over ${trial}`),
    end: (trial, reason) => void asked.push(`end ${trial}: ${reason}`),
    reload: () => void asked.push('reload'),
  };
  let loaded: LoadedConfig;
  let daemon: DaemonView;
  let unusable: Present['unusable'];
  let agent: TrialAgent | undefined;
  let ended: AbortController;

  function configure(socket: string): void {
    const text = JSON.stringify({
      ...{ site: 's', box: 'b', mqtt: { url: 'mqtt://192.0.2.2' }, model: { store: 's', name: 'm' } },
      ...{ agent: { socket }, cameras: [{ id: 'a', url: 'rtsp://192.0.2.1/' }] },
    });
    loaded = { config: parseConfig(text, 'f'), folder: folder() } as LoadedConfig;
  }
  beforeEach(() => {
    asked.length = 0;
    configure('agent.sock');
    unusable = [];
    daemon = new DaemonView(() => ({ loaded, model: undefined, unusable }) as Present);
    ended = new AbortController();
    new AgentLink(daemon, trials, pino({ level: 'silent' })).start(ended.signal);
  });
  afterEach(async () => {
    ended.abort();
    await agent?.close();
    agent = undefined;
  });
  const listen = async (name = 'agent.sock'): Promise<TrialAgent> => {
    agent = await TrialAgent.listen(join(folder(), name));
    return agent;
  };
  const analysed = (version: string, times: number): void => {
    const frame = { frame: { ready: { model: modelOf(version) } } } as unknown as AnalysedFrame;
    for (let i = 0; i < times; i++) daemon.emit('analysed', frame);
  };
  const servedOf = (one: TrialAgent): number[] =>
    one.heard.flatMap((message) => (message.type === 'served' ? [message.frames] : []));

  it('is made as soon as there is one, and says who is here', async () => {
    const one = await listen();
    expect(await one.next('hello')).toMatchObject({ packageFormats: [1, 2], model: null });
  });

  it('says which packages cannot be used and why, and again when that changes', async () => {
    const { digest } = modelOf('1');
    const unread = { digest: undefined, code: 'FILE_NOT_FOUND', message: 'nothing is known of it' };
    unusable = [{ digest, code: 'GOLDEN_MISMATCH', message: 'x'.repeat(3000) }, unread];
    const one = await listen();
    const told = await one.next('hello');
    expect(told.unusable).toEqual([{ digest, code: 'GOLDEN_MISMATCH', message: 'x'.repeat(2000) }]);
    daemon.emit('changed');
    unusable = [];
    daemon.emit('changed');
    await until('the change', () => one.heard.length === 2);
    expect(one.heard[1]).toMatchObject({ type: 'hello' });
    expect(one.heard[1]).not.toHaveProperty('unusable');
  });

  it('says that a model has answered at its first frame and at each doubling, and again to an agent that is new', async () => {
    const one = await listen();
    await one.next('hello');
    analysed('1', 100);
    await until('all of it', () => servedOf(one).length === 7);
    expect(servedOf(one)).toEqual([1, 2, 4, 8, 16, 32, 64]);
    analysed('2', 1);
    expect(await one.next('served', ({ model }) => model.version === '2')).toMatchObject({ frames: 1 });
    analysed('2', 99);
    const said = one.heard.length;
    one.hangUp();
    await one.next('hello', () => true, said);
    analysed('2', 1);
    expect(await one.next('served', () => true, said)).toMatchObject({ frames: 101, model: { version: '2' } });
  });

  it('passes on what is asked, and ends the trial with the connection', async () => {
    const one = await listen();
    await one.next('hello');
    one.send({ v: 1, type: 'take-over', trial: 'a' });
    one.send({ v: 1, type: 'end', trial: 'a', reason: 'enough' });
    one.send({ v: 1, type: 'reload' });
    await until('all of it', () => asked.length === 3);
    one.hangUp();
    await until('the end', () => asked.length === 4);
    expect(asked.slice(0, 3)).toEqual(['take over a', 'end a: enough', 'reload']);
    expect(asked[3]).toMatch(/^end undefined/);
  });

  it.each([
    ['what is no message of theirs', '{"v":1,"type":"reboot"}\n'],
    ['another version', '{"v":2,"type":"reload"}\n'],
    ['what is not JSON', 'reload\n'],
    ['a line without an end', 'x'.repeat(200_000)],
  ])('is cut at %s, and made again', async (_what, text) => {
    const one = await listen();
    await one.next('hello');
    one.sendText(text);
    await until('another hello', () => one.heard.filter(({ type }) => type === 'hello').length === 2);
    expect(asked).toEqual([expect.stringMatching(/^end undefined/)]);
  });

  it('goes along to another socket, and is cut where a trial says nothing of its candidate', async () => {
    const one = await listen();
    await one.next('hello');
    const other = await TrialAgent.listen(join(folder(), 'other.sock'));
    configure('other.sock');
    daemon.emit('configured');
    await other.next('hello');
    daemon.emit('untried', 'configured otherwise');
    await until('another hello', () => other.heard.filter(({ type }) => type === 'hello').length === 2);
    expect(one.heard.filter(({ type }) => type === 'hello')).toHaveLength(1);
    ended.abort();
    await other.close();
  });
});
