import { InvalidArgumentError, Option } from 'commander';

/** Where the broker is and who is asking, as options of a command. */
export interface BrokerFlags {
  readonly broker: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly certKey?: string;
}

function brokerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '')
    throw new InvalidArgumentError(
      'It must be mqtt://HOST or mqtts://HOST, with a port where it is not the usual one.',
    );
  if (url.username !== '' || url.password !== '')
    throw new InvalidArgumentError('Credentials do not belong into it: use --username and --password-file.');
  return text;
}

export const brokerOptions = (): Option[] => [
  new Option('--broker <url>', 'the MQTT broker: mqtt://HOST or mqtts://HOST')
    .argParser(brokerUrl)
    .makeOptionMandatory(),
  new Option('--username <name>', 'user name at the broker'),
  new Option('--password-file <file>', 'file with the password'),
  new Option('--ca <file>', 'authorities that the broker’s certificate is checked against (default: the system’s)'),
  new Option('--cert <file>', 'client certificate in PEM'),
  new Option('--cert-key <file>', 'private key of --cert, in PEM'),
];

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads `30m` as ms, for `Option.argParser`. */
export function durationMs(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  const ms = Math.round(Number(number) * (UNITS[unit as keyof typeof UNITS] ?? Number.NaN));
  if (ms > 0) return ms;
  throw new InvalidArgumentError('It must be a time such as 90s, 30m, 12h or 2d.');
}
