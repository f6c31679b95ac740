import { Command, Option } from 'commander';
import { integer, type Region, regionOption } from '../options/common.ts';
import { type Context, running } from '../running.ts';

interface DemoOptions {
  readonly frames?: number;
  readonly camera?: string;
  readonly model?: string;
  readonly classifier?: boolean;
  readonly broker?: string;
  readonly seed: number;
  readonly region?: readonly Region[];
  readonly page: boolean;
  readonly pagePort: number;
}

export function demoCommand(): Command {
  return new Command('demo')
    .summary('the whole on this machine: camera, broker, daemon, live view')
    .description(
      'Serves a rendered street as an RTSP camera, finds, follows and counts what is on it with the small model that Wayside carries, ' +
        "publishes over an embedded MQTT broker and shows what arrives beside the street's exact truth. Every part can be replaced by a real one. This is what `npm start` runs.",
    )
    .addOption(new Option('--frames <n>', 'end after this many analysed frames').argParser(integer(1)))
    .addOption(new Option('--camera <source>', 'a camera of your own, rtsp://..., or a video file'))
    .addOption(new Option('--model <package>', 'another model package'))
    .addOption(
      new Option('--classifier', 'classify fixed regions of the street instead, with the model for that').conflicts(
        'model',
      ),
    )
    .addOption(new Option('--broker <url>', 'a real MQTT broker: mqtt://...'))
    .addOption(new Option('--seed <n>', 'seed of the rendered street').argParser(integer(0, 2 ** 32 - 1)).default(17))
    .addOption(
      new Option(
        '--region <name=x,y,w,h>',
        'what to look at with a camera of your own, in shares of the image from the top left, or the corners of a polygon, name=x,y,x,y,x,y; may be given several times (default: the whole image)',
      ).argParser(regionOption),
    )
    .addOption(new Option('--no-page', 'without the page that shows the live image'))
    .addOption(
      new Option('--page-port <n>', 'port of the page on 127.0.0.1; 0 takes a free one')
        .argParser(integer(0, 65535))
        .default(0),
    )
    .action(running(runDemo, { serves: true }));
}

async function runDemo(
  { signal, json, report }: Context,
  { region, page, pagePort, ...options }: DemoOptions,
): Promise<void> {
  const { runDemo: run } = await import('../../demo/run.ts');
  report(await run({ ...options, regions: region, page: page && { port: pagePort }, signal, live: !json }));
}
