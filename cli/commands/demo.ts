import { Command, Option } from 'commander';
import { integer } from '../options.ts';
import { type Context, running } from '../running.ts';

interface DemoOptions {
  readonly frames?: number;
  readonly camera?: string;
  readonly model?: string;
  readonly broker?: string;
  readonly seed: number;
}

export function demoCommand(): Command {
  return new Command('demo')
    .summary('the whole on this machine: camera, broker, daemon, live view')
    .description(
      'Serves a rendered street as an RTSP camera, classifies it with the small model that Wayside carries, publishes over an ' +
        'embedded MQTT broker and shows what arrives. Every part can be replaced by a real one. This is what `npm start` runs.',
    )
    .addOption(new Option('--frames <n>', 'end after this many analysed frames').argParser(integer(1)))
    .addOption(new Option('--camera <url>', 'a real camera: rtsp://...'))
    .addOption(new Option('--model <package>', 'another model package'))
    .addOption(new Option('--broker <url>', 'a real MQTT broker: mqtt://...'))
    .addOption(new Option('--seed <n>', 'seed of the rendered street').argParser(integer(0, 2 ** 32 - 1)).default(17))
    .action(running(runDemo, { serves: true }));
}

async function runDemo({ signal, json, report }: Context, options: DemoOptions): Promise<void> {
  const { runDemo: run } = await import('../../demo/run.ts');
  report(await run({ ...options, signal, live: !json }));
}
