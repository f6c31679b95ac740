import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import type { Inventory, KnownBox } from '../../../deploy/fleet/inventory.ts';
import { type Context, running } from '../../running.ts';
import { listenMs, type OfficeFlags, officeConnection, officeOptions } from '../rollout/connection.ts';

type FleetFlags = Omit<OfficeFlags, 'site'> & { readonly site?: string };

const DIGEST = /^(?:sha256:)?([0-9a-f]{8,64})$/;

function digestText(text: string): string {
  const [, hex] = DIGEST.exec(text) ?? [];
  if (hex === undefined)
    throw new InvalidArgumentError('It must be sha256: and 64 hexadecimal digits, or at least the first 8 of them.');
  return `sha256:${hex}`;
}

const options = (): Option[] => [
  ...officeOptions().filter(({ long }) => long !== '--site'),
  new Option('--site <name>', 'the boxes of one site (default: those of all sites)'),
];

export function fleetCommand(): Command {
  const group = new Command('fleet')
    .summary('say what runs on which box')
    .description('Says what runs on which box, by what boxes have said of themselves and the broker retains.')
    .helpCommand('help [command]', 'print the help of a command');
  const list = new Command('list')
    .summary('list boxes with their software and model')
    .description('Lists every box with its state, its software and its model.');
  const sbom = new Command('sbom')
    .summary('say which boxes run a model package')
    .description(
      'Says which boxes run the model package of a digest, and of which boxes that is not known. It is the digest that `wayside inspect` prints, and that every message carries.',
    )
    .addArgument(new Argument('<digest>', 'digest of the package, or its first digits').argParser(digestText));
  for (const option of options()) list.addOption(option);
  for (const option of options()) sbom.addOption(option);
  list.action(running(listBoxes));
  sbom.action(running(boxesOf));
  return group.addCommand(list).addCommand(sbom);
}

async function inventoryOf({ signal, note }: Context, flags: FleetFlags): Promise<Inventory> {
  const { broker, log } = await officeConnection({ ...flags, site: flags.site ?? 'all' }, 'fleet');
  const { takeInventory } = await import('../../../deploy/fleet/take-inventory.ts');
  const quietMs = (level: number): number => listenMs(level, flags.gather, note);
  return takeInventory({ broker, site: flags.site ?? '+', quietMs, signal, log });
}

async function tableOf(boxes: readonly KnownBox[]): Promise<string> {
  const { table } = await import('../../table.ts');
  const rows = boxes.map(({ site, box, state, software, model, saidAt, unknown }) => [
    `${site}/${box}`,
    state ?? 'unknown',
    software === null ? '-' : `wayside ${software.wayside}`,
    model === null ? (unknown ?? 'no model') : `${model.name} ${model.version} ${model.digest.slice(0, 19)}`,
    saidAt === null ? '' : `said ${saidAt}`,
  ]);
  return table([['box', 'state', 'software', 'model', ''], ...rows]);
}

async function listBoxes(context: Context, flags: FleetFlags): Promise<void> {
  const { boxes } = await inventoryOf(context, flags);
  const text = boxes.length === 0 ? 'no box has said anything' : await tableOf(boxes);
  context.report({ document: { boxes }, text });
}

async function boxesOf(context: Context, digest: string, flags: FleetFlags): Promise<void> {
  const inventory = await inventoryOf(context, flags);
  const [boxes, { unknown, size }] = [inventory.running(digest), inventory];
  const known = size - unknown.length;
  const text = [
    `${boxes.length} of ${known} box${known === 1 ? '' : 'es'} run${boxes.length === 1 ? 's' : ''} ${digest}`,
    ...(boxes.length > 0 ? ['', await tableOf(boxes)] : []),
    ...(unknown.length > 0 ? ['', `not known of ${unknown.length}:`, await tableOf(unknown)] : []),
  ].join('\n');
  context.report({ document: { digest, boxes, unknown, heard: size }, text });
}
