import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { Rollout } from '../../../contract/messages/rollout.ts';
import { DEFAULT_POLICY, starting } from '../../../deploy/rollout/begin-rollout.ts';
import { drive } from '../../../deploy/rollout/drive.ts';
import { Office } from '../../../deploy/rollout/office.ts';
import type { Plan } from '../../../deploy/rollout/planner.ts';
import type { Benchmark, Figure } from '../../harness/benchmark.ts';
import { Balancer } from '../../harness/rollout/balancer.ts';
import { RabbitCluster } from '../../harness/rollout/rabbit-cluster.ts';
import { SimulatedFleet } from '../../harness/rollout/simulated-fleet.ts';
import { mosquittoIn } from '../../harness/site/broker.ts';
import type { Workplace } from '../../harness/workplace.ts';

const BOXES = Number(process.env['WAYSIDE_BENCH_BOXES'] ?? 2000);
const SILENT_ONE_IN = 100;
const STEP_MS = 2000;
/** A box comes back within 30 s of losing its broker, and its job is sent again 15 s, 30 s and 60 s after it was not answered. */
const SILENT_MS = 120_000;
const SETTLING_MS = 120_000;
const BAD = { 3: 'slower', 4: 'wrong on one class', 5: 'crashes after 50 frames' } as const;
/** 20 boxes rather than one: a canary of one box that never answers stops everything, and one in a hundred here never does. */
const WAVES = ['20', '5%', '25%', 'all'];
/** Every box repeats its report so often. */
const REPEAT_SECONDS = 600;
const RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server';

interface Site {
  readonly office: Office;
  readonly fleet: SimulatedFleet;
  readonly subject: string;
  readonly place: Workplace;
}

interface Pushed {
  readonly rollout: Rollout;
  readonly seconds: number;
  readonly figures: Figure[];
}

/** One rollout to its end, and what it cost. */
async function push(site: Site, version: string, onPlan: (plan: Plan) => void = () => undefined): Promise<Pushed> {
  const { office, fleet, place } = site;
  const before = await fleet.count(version);
  const cpuBefore = process.cpuUsage();
  const publishedBefore = office.link.published;
  const { reports, bytes } = office.fleet;
  const started = performance.now();
  const policy = {
    ...DEFAULT_POLICY,
    success: 0.9,
    failures: 0.1,
    silentMs: SILENT_MS,
    onFailure: 'roll-back' as const,
    // Nothing is fetched here.
    spreadSeconds: 0,
  };
  const selection = { groups: ['roads'], tags: [], hardware: [] };
  await office.change(
    starting({ model: { name: 'vehicles', version }, selection, waves: WAVES, policy, startedBy: 'benchmark' }),
    { drives: true },
  );
  const rollout = await drive(office, { signal: place.signal, onPlan });
  if (rollout.reason !== null) place.say(`${rollout.state}: ${rollout.reason.message}`);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const after = await fleet.count(version);
  const figure = (measure: string, value: number, unit = '', limit?: Figure['limit']): Figure => ({
    subject: `${site.subject}, ${version in BAD ? BAD[version as unknown as keyof typeof BAD] : 'good'}`,
    measure,
    value,
    unit,
    ...(limit === undefined ? {} : { limit }),
  });
  const canary = Number(WAVES[0]);
  const figures = [
    figure('until it ended', seconds, 's'),
    figure('waves begun', rollout.begun.length),
    figure('boxes that tried it', after.tried, '', version in BAD ? { atMost: canary } : undefined),
    // To each box of the canary one that brings it and one that takes it back.
    figure('jobs that reached boxes', after.heard, '', version in BAD ? { atMost: 2 * canary } : undefined),
    // Who does not answer is told again; under MQTT 3.1.1 whatever is retained comes again when a subscription is asked for again.
    figure('jobs that boxes knew', after.replayed - before.replayed),
    figure('boxes that run it at the end', after.running, '', version in BAD ? { atMost: 0 } : undefined),
    figure('messages of the office a box', (office.link.published - publishedBefore) / BOXES),
    figure('reports a box', (office.fleet.reports - reports) / BOXES),
    figure('bytes of a report', (office.fleet.bytes - bytes) / Math.max(1, office.fleet.reports - reports), 'B'),
    figure('processor of a box', (1000 * (after.cpuSeconds - before.cpuSeconds)) / BOXES, 'ms'),
    figure('processor of the office a box', (user + system) / 1000 / BOXES, 'ms'),
  ];
  return { rollout, seconds, figures };
}

async function siteAt(url: string, subject: string, place: Workplace, officeUrl = url): Promise<Site> {
  const log = pino({ level: 'silent' });
  const office = await Office.open({ broker: { url: officeUrl }, site: 'bench', name: 'benchmark', log });
  place.say(`${subject}: ${BOXES} boxes connect`);
  const fates = Object.fromEntries(Object.entries(BAD));
  const fleet = await SimulatedFleet.start(
    { url, site: 'bench', silentOneIn: SILENT_ONE_IN, fates, stepMs: STEP_MS, boxes: BOXES, processes: 2 },
    place.signal,
  );
  while (office.fleet.size < BOXES) {
    place.signal.throwIfAborted();
    await delay(200);
  }
  return { office, fleet, subject, place };
}

/**
 * Boxes that were not told, or did not answer, are not counted as they stand at the end of waves but somewhat later. The office stays
 * meanwhile, as `rollout start --stay` does: a cluster of RabbitMQ gives what is retained on another node to nobody.
 */
async function settled({ office, fleet, place }: Site, version: string, wanted: number): Promise<number> {
  const deadline = performance.now() + SETTLING_MS;
  const over = new AbortController();
  const staying = drive(office, { signal: AbortSignal.any([place.signal, over.signal]), stays: true });
  try {
    for (;;) {
      const { running } = await fleet.count(version);
      if (running >= wanted || performance.now() > deadline) return running;
      await Promise.race([staying, delay(500)]);
    }
  } finally {
    over.abort();
    await staying.catch((cause: unknown) => {
      if (!over.signal.aborted || place.signal.aborted) throw cause;
    });
  }
}

const answering = BOXES - Math.floor(BOXES / SILENT_ONE_IN);

async function onMosquitto(place: Workplace): Promise<Figure[]> {
  const folder = join(place.scratch, 'mosquitto');
  await mkdir(folder);
  const broker = await mosquittoIn(folder, ['max_connections -1']);
  await broker.start();
  const site = await siteAt(broker.url, 'mosquitto', place);
  const { subject } = site;
  try {
    const idle = await site.fleet.count('1');
    place.say('a good model');
    const good = await push(site, '2');
    const running = await settled(site, '2', answering);
    const figures = [
      { subject, measure: 'boxes', value: BOXES, unit: '' },
      { subject, measure: 'memory a box', value: idle.memoryBytes / BOXES / 1000, unit: 'kB' },
      ...good.figures,
      {
        subject: `${subject}, good`,
        measure: 'boxes that run it two minutes later',
        value: running,
        unit: '',
        limit: { atLeast: answering },
      },
    ];
    for (const version of Object.keys(BAD)) {
      place.say(BAD[Number(version) as keyof typeof BAD]);
      figures.push(...(await push(site, version)).figures);
    }
    return figures;
  } finally {
    await site.office.close();
    await site.fleet.stop();
    await broker.stop();
  }
}

async function onRabbitMq(place: Workplace): Promise<Figure[]> {
  const folder = join(place.scratch, 'rabbitmq');
  await mkdir(folder);
  place.say('three nodes of RabbitMQ');
  const cluster = await RabbitCluster.start(folder, 3, place.signal);
  const [balancer, toTheFirst] = [new Balancer(cluster.ports), new Balancer(cluster.ports, 'first')];
  await balancer.start();
  await toTheFirst.start();
  const subject = 'RabbitMQ, a node killed';
  try {
    const site = await siteAt(balancer.url, subject, place, toTheFirst.url);
    try {
      let killed: Promise<void> | undefined;
      const good = await push(site, '2', ({ rollout, waves }) => {
        // In the third of four waves, under way.
        const current = waves.at(-1);
        if (killed === undefined && rollout.begun.length === 3 && (current?.count.working ?? 0) > 0) {
          place.say('the node of the office is killed');
          killed = cluster.kill(0);
        }
      });
      await killed;
      const running = await settled(site, '2', answering);
      const { connections } = await site.fleet.count('2');
      place.say('a bad model, on the two nodes that are left');
      const bad = await push(site, '4');
      return [
        { subject, measure: 'boxes', value: BOXES, unit: '' },
        ...good.figures,
        {
          subject: `${subject}, good`,
          measure: 'boxes that run it two minutes later',
          value: running,
          unit: '',
          limit: { atLeast: answering },
        },
        {
          subject,
          measure: 'boxes that had to connect again',
          value: connections - BOXES,
          unit: '',
          limit: { atLeast: BOXES / 4 },
        },
        ...bad.figures,
      ];
    } finally {
      await site.office.close();
      await site.fleet.stop();
    }
  } finally {
    balancer.stop();
    toTheFirst.stop();
    await cluster.stop();
  }
}

const MILLION = 1_000_000;

/** A site is a rollout, so a million boxes are sites of this size side by side: what is measured once is multiplied. */
function onPaper(figures: readonly Figure[]): Figure[] {
  const value = (measure: string): number =>
    figures.find((each) => each.subject === 'mosquitto, good' && each.measure === measure)?.value ?? Number.NaN;
  const subject = '1,000,000 boxes, on paper';
  const reports = value('reports a box') * MILLION;
  return [
    { subject, measure: `sites of ${BOXES}`, value: MILLION / BOXES, unit: '' },
    { subject, measure: 'jobs', value: (value('messages of the office a box') * MILLION) / 1e6, unit: 'million' },
    { subject, measure: 'reports', value: reports / 1e6, unit: 'million' },
    { subject, measure: 'of reports', value: (reports * value('bytes of a report')) / 1e9, unit: 'GB' },
    {
      subject,
      measure: 'processor of all offices',
      value: (value('processor of the office a box') * MILLION) / 60_000,
      unit: 'min',
    },
    { subject, measure: 'reports a second between rollouts', value: MILLION / REPEAT_SECONDS, unit: '' },
  ];
}

export const rollout: Benchmark = {
  name: 'rollout',
  title: 'A model rolled out to 2,000 boxes',
  method:
    `Simulated boxes with the connection, topics, messages and trial judge of real ones; downloading and traffic take up to ${STEP_MS / 1000} s a step. One box in ${SILENT_ONE_IN} never answers, and counts as failed after ${SILENT_MS / 1000} s. ` +
    `Waves ${WAVES.join(', ')}; a wave is over when 90% succeeded, and all stops when more than 10% failed; then the model is taken back. ` +
    'Each bad model is bad on every box. On RabbitMQ, three nodes stand behind a balancer, and the one that the office is connected to is killed in the third wave. The office stays until all boxes that answer run the model, for two minutes at most.',
  layout: 'grids',
  needs: ['mosquitto'],
  async run(place) {
    const notes = [
      'boxes, office and brokers share one machine; seconds are of that machine while it did other work as well',
    ];
    const figures = await onMosquitto(place);
    if (existsSync(RABBITMQ)) figures.push(...(await onRabbitMq(place)));
    else notes.push('RabbitMQ was not here');
    figures.push(...onPaper(figures));
    return { figures, notes };
  },
};
