import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Subscriber } from '../../../contract/mqtt/subscriber.ts';
import { createLog } from '../../../core/log.ts';
import type { Manifest } from '../../../inference/manifest.ts';
import { type RunningProgram, startProgram } from '../site/program.ts';
import { PEERS } from './environment.ts';

interface LivePeerOptions {
  readonly python: string;
  /** `mqtt://127.0.0.1:PORT` */
  readonly broker: string;
  readonly urls: readonly string[];
  /** Frames a second. */
  readonly rate: number;
  /** A grid network that stretches its images; null: frames are decoded and converted, and that is all. */
  readonly model: { readonly path: string; readonly manifest: Manifest } | null;
  readonly folder: string;
}

/** The same work in Python on the same streams, and what came of it. */
interface LivePeer {
  readonly program: RunningProgram;
  /** Messages that arrived. */
  readonly analysed: number;
  /** Frames replaced by a newer one before they were analysed. */
  readonly dropped: number;
  /** Resolves with the first message. */
  readonly begun: Promise<void>;
  close(): Promise<void>;
}

/** What `live_cameras.py` is told of a model. */
function modelSettings({ path, manifest }: NonNullable<LivePeerOptions['model']>) {
  const { preprocessing, head, labels, thresholds } = manifest;
  const { size, mean, std } = preprocessing;
  return { path, size, mean, std, head, labels, score: thresholds.score };
}

/** Its preprocessing and head are those of the demonstration's model: stretched, one mean and deviation for all channels, sizes as logarithms. */
export async function startLivePeer({ python, broker, urls, rate, model, folder }: LivePeerOptions): Promise<LivePeer> {
  const subscriber = new Subscriber(
    { url: broker, clientId: `bench-${randomUUID().slice(0, 8)}` },
    createLog('listener'),
  );
  let [analysed, dropped] = [0, 0];
  let begin = (): void => undefined;
  const heard = new Promise<void>((resolve) => {
    begin = resolve;
  });
  subscriber.subscribe('peer/#', ({ payload }) => {
    ({ dropped } = JSON.parse(payload.toString()) as { readonly dropped: number });
    analysed++;
    begin();
  });
  await subscriber.open();
  const settings = join(folder, 'peer.json');
  const told = { port: Number(new URL(broker).port), rate, urls, model: model === null ? null : modelSettings(model) };
  await writeFile(settings, JSON.stringify(told));
  const program = await startProgram(python, [join(PEERS, 'live_cameras.py'), settings], { cwd: folder });
  const gone = program.ended.then((code) => {
    throw new Error(`live_cameras.py ended with ${code}: ${program.lastWords()}`);
  });
  gone.catch(() => undefined); // looked at only while it starts
  return {
    program,
    get analysed() {
      return analysed;
    },
    get dropped() {
      return dropped;
    },
    begun: Promise.race([heard, gone]),
    async close() {
      await program.stop();
      await subscriber.close();
    },
  };
}
