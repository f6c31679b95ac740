import { type DestinationStream, pino } from 'pino';
import { createLog, type Log, priorityOf, withPriorities } from '../log.ts';
import { isJournal } from './is-journal.ts';
import { openUnixDatagram, type SendDatagram } from './unix-datagram.ts';

/** https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ */
const SOCKET = '/run/systemd/journal/socket';
/** What journald cuts a line of stderr at (LineMax=); a datagram of four fields more fits into any socket's buffer. */
const MOST_MESSAGE_BYTES = 48 * 1024;
const MOST_FIELD_BYTES = 256;
/** Of one name: a line about more cameras than that is about the box. */
const MOST_VALUES = 64;
/** syslog(3): LOG_DAEMON, which journald gives to the stderr of a service too. */
const FACILITY = '3';

type Field = readonly [name: string, value: string];
type Line = Readonly<Record<string, unknown>>;

/** At most so many bytes, not in the middle of a character; what was cut off is said. */
function cut(text: string, most: number): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= most) return text;
  const kept = Buffer.from(text)
    .toString('utf8', 0, most)
    .replace(/\uFFFD+$/, '');
  return `${kept} ... ${bytes - Buffer.byteLength(kept)} bytes more`;
}

/** A value with a line feed in it goes as its length, 64 bits little-endian, and its bytes. */
function encodeFields(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map(([name, value]) => {
      if (!value.includes('\n')) return Buffer.from(`${name}=${value}\n`, 'utf8');
      const bytes = Buffer.from(value, 'utf8');
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.length));
      return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]);
    }),
  );
}

const isObject = (value: unknown): value is Line => typeof value === 'object' && value !== null;
const texts = (...values: readonly unknown[]): string[] =>
  [...new Set(values.flat().filter((value) => typeof value === 'string' && value !== ''))] as string[];

/** `wayside/v1/SITE/BOX/camera/ID/...` is about camera ID. */
const cameraOfTopic = (topic: unknown): string | undefined =>
  typeof topic === 'string' ? /^wayside\/v\d+\/[^/]+\/[^/]+\/camera\/([^/]+)\//.exec(topic)?.[1] : undefined;

/**
 * What a line of the log is about, as fields that `journalctl CAMERA=north` finds: cameras, model and codes of errors. A field may
 * occur more than once.
 */
export function fieldsOf(line: Line): Field[] {
  const { model } = line;
  const about = [line, ...[line['reason'], line['reasons']].flat().filter(isObject)];
  const { name, version, digest } = isObject(model) ? model : { name: model };
  const named: readonly (readonly [string, readonly string[]])[] = [
    [
      'CAMERA',
      texts(
        about.map(({ camera }) => camera),
        line['cameras'],
        cameraOfTopic(line['topic']),
      ),
    ],
    ['MODEL', texts(name)],
    ['MODEL_VERSION', texts(version)],
    ['MODEL_DIGEST', texts(digest)],
    ['CODE', texts(about.map(({ code }) => code))],
  ];
  return named.flatMap(([field, values]) =>
    values.slice(0, MOST_VALUES).map((value): Field => [field, cut(value, MOST_FIELD_BYTES)]),
  );
}

/**
 * Writes each line into the journal with its priority and fields. The line itself stays what it is on stderr.
 *
 * @param otherwise gets the lines that the journal does not take at once: nothing is lost while journald is busy or away
 */
export function journalStream(send: SendDatagram, otherwise: DestinationStream): DestinationStream {
  const stream = {
    [pino.symbols.needsMetadataGsym]: true,
    lastLevel: 30, // set by pino before every line
    write(text: string): void {
      const line = JSON.parse(text) as Line;
      const fields: Field[] = [
        ['MESSAGE', cut(text.trimEnd(), MOST_MESSAGE_BYTES)],
        ['PRIORITY', String(priorityOf(stream.lastLevel))],
        ['SYSLOG_FACILITY', FACILITY],
        ['SYSLOG_IDENTIFIER', String(line['name'])],
        ...fieldsOf(line),
      ];
      if (send(encodeFields(fields))) return;
      Object.assign(otherwise, { lastLevel: stream.lastLevel });
      otherwise.write(text);
    },
  };
  return stream;
}

/** The log of a service: in the journal with fields where stderr leads there; elsewhere as any log. */
export function createServiceLog(name: string): Log {
  if (!isJournal(process.env)) return createLog(name);
  try {
    const stderr = withPriorities(pino.destination({ dest: 2, sync: true }));
    return createLog(name, journalStream(openUnixDatagram(SOCKET), stderr));
  } catch (error) {
    const log = createLog(name);
    log.warn({ err: error }, 'the journal gets no fields');
    return log;
  }
}
