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

/** A connection for one command; closed when `use` is done. */
export async function withOffice<T>(
  { signal, note }: Context,
  flags: OfficeFlags,
  use: (office: Office) => Promise<T>,
): Promise<T> {
  if (!SITE.test(flags.site))
    throw new WaysideError('USAGE', { message: `--site: '${flags.site}' is no name of a site` });
  const [{ Office }, { readNamedFile }, { createLog }] = await Promise.all([
    import('../../../deploy/rollout/office.ts'),
    import('../../../core/files.ts'),
    import('../../../core/log.ts'),
  ]);
  const read = async (path: string | undefined): Promise<Buffer | undefined> =>
    path === undefined ? undefined : await readNamedFile(path);
  const password = (await read(flags.passwordFile))?.toString('utf8').replace(/\r?\n$/, '');
  const [ca, cert, key] = await Promise.all([read(flags.ca), read(flags.cert), read(flags.certKey)]);
  const broker = { url: flags.broker, username: flags.username, password, ca, cert, key };
  const office = await Office.open({ broker, site: flags.site, log: createLog('rollout') });
  try {
    const gatherMs = flags.gather ?? (office.link.level < 5 ? REPEATED_MS : QUIET_MS);
    if (gatherMs > QUIET_MS && flags.gather === undefined)
      note(
        'the broker speaks MQTT 3.1.1: listening for 11 minutes, until every box has repeated its report (--gather)',
      );
    await office.gather(gatherMs, signal);
    return await use(office);
  } finally {
    await office.close();
  }
}
