import { Option } from 'commander';
import { WaysideError } from '../../../core/errors.ts';
import type { Office } from '../../../deploy/rollout/office.ts';
import { type BrokerFlags, brokerOptions, durationMs } from '../../options/broker.ts';
import type { Context } from '../../running.ts';

export interface OfficeFlags extends BrokerFlags {
  readonly site: string;
  readonly gather?: number;
}

/** One level of a topic, as boxes have in their configuration. */
const SITE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export const officeOptions = (): Option[] => [
  ...brokerOptions(),
  new Option('--site <name>', 'the site whose boxes are meant').makeOptionMandatory(),
  new Option(
    '--gather <time>',
    'how long to listen after the last new box before boxes are counted (default: 3s; 11m where the broker speaks MQTT 3.1.1 alone, since it may give late listeners nothing retained)',
  ).argParser(durationMs),
];

const QUIET_MS = 3000;
/** Boxes repeat their reports every 10 minutes. */
const REPEATED_MS = 660_000;

/** How long to listen, by the level of MQTT that the broker speaks and what was asked for. */
export function listenMs(level: number, asked: number | undefined, note: (text: string) => void): number {
  if (asked !== undefined) return asked;
  if (level >= 5) return QUIET_MS;
  note('the broker speaks MQTT 3.1.1: listening for 11 minutes, until every box has repeated its report (--gather)');
  return REPEATED_MS;
}

/** The broker that the options name, and a log. */
export async function officeConnection(flags: OfficeFlags, name: string) {
  if (!SITE.test(flags.site))
    throw new WaysideError('USAGE', { message: `--site: '${flags.site}' is no name of a site` });
  const [{ readNamedFile }, { createLog }] = await Promise.all([
    import('../../../core/files.ts'),
    import('../../../core/log.ts'),
  ]);
  const read = async (path: string | undefined): Promise<Buffer | undefined> =>
    path === undefined ? undefined : await readNamedFile(path);
  const password = (await read(flags.passwordFile))?.toString('utf8').replace(/\r?\n$/, '');
  const [ca, cert, key] = await Promise.all([read(flags.ca), read(flags.cert), read(flags.certKey)]);
  return { broker: { url: flags.broker, username: flags.username, password, ca, cert, key }, log: createLog(name) };
}

/** A connection for one command; closed when `use` is done. */
export async function withOffice<T>(
  { signal, note }: Context,
  flags: OfficeFlags,
  use: (office: Office) => Promise<T>,
): Promise<T> {
  const { broker, log } = await officeConnection(flags, 'rollout');
  const { Office } = await import('../../../deploy/rollout/office.ts');
  const office = await Office.open({ broker, site: flags.site, log });
  try {
    await office.gather(listenMs(office.link.level, flags.gather, note), signal);
    return await use(office);
  } finally {
    await office.close();
  }
}
