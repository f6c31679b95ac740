import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { WaysideError } from '../errors.ts';

/** What a unit says of a credential: where it comes from, or that it is part of the unit. */
type CredentialSource = { readonly file: string } | 'unit';

/** Where systemd looks for units, the administrator's first (systemd.unit(5)). */
export const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
/** Where systemd looks for a credential that has no path, or one that is not absolute (systemd.exec(5), LoadCredential=). */
const STORES = ['/etc/credstore', '/run/credstore', '/usr/local/lib/credstore', '/usr/lib/credstore'];

/** `/run/credentials/UNIT/NAME`: what systemd makes when it starts the unit. */
function credentialOf(path: string): { readonly unit: string; readonly name: string } | undefined {
  const [, unit, name] = /^\/run\/credentials\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  return unit === undefined || name === undefined ? undefined : { unit, name };
}

const textOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

/** The unit's file and its drop-ins; undefined when no such unit is installed. */
export async function unitText(unit: string, folders: readonly string[]): Promise<string | undefined> {
  const texts: string[] = [];
  for (const folder of folders) {
    const main = await textOf(join(folder, unit));
    if (main !== undefined && texts.length === 0) texts.push(main);
  }
  if (texts.length === 0) return undefined;
  for (const folder of folders) {
    const dropIns = await readdir(join(folder, `${unit}.d`)).catch(() => []);
    for (const name of dropIns.filter((each) => each.endsWith('.conf')).sort())
      texts.push((await textOf(join(folder, `${unit}.d`, name))) ?? '');
  }
  return texts.join('\n').replaceAll(/\\\n/g, ' ');
}

/**
 * Where a unit takes a credential from.
 *
 * @returns undefined when the unit does not name it, `null` when there is no such unit on this machine
 */
async function credentialSource(
  unit: string,
  name: string,
  folders: readonly string[] = UNIT_FOLDERS,
  placed: (path: string) => string,
): Promise<CredentialSource | undefined | null> {
  const text = await unitText(unit, folders);
  if (text === undefined) return null;
  for (const [, key, value = ''] of text.matchAll(
    /^\s*(LoadCredential|LoadCredentialEncrypted|SetCredential|SetCredentialEncrypted|ImportCredential)\s*=\s*(.*?)\s*$/gm,
  )) {
    const [id = '', ...rest] = value.split(':');
    const from = rest.join(':');
    // A folder's files become `ID_FILE` (systemd 250).
    if (key === 'LoadCredential' && name.startsWith(`${id}_`) && (await isFolder(placed(from))))
      return { file: join(from, name.slice(id.length + 1)) };
    if (key === 'ImportCredential' ? !globFits(value, name) : id !== name) continue;
    if (key?.startsWith('Set') === true) return 'unit';
    if (isAbsolute(from)) return { file: from };
    const encrypted = key === 'LoadCredentialEncrypted' || key === 'ImportCredential';
    return { file: await inStores(key === 'ImportCredential' || from === '' ? name : from, encrypted) };
  }
  return undefined;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

function globFits(glob: string, name: string): boolean {
  const pattern = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`).test(name);
}

async function inStores(name: string, encrypted: boolean): Promise<string> {
  const places = STORES.flatMap((store) => [
    join(store, name),
    ...(encrypted ? [join(`${store}.encrypted`, name)] : []),
  ]);
  for (const place of places) if ((await textOf(place)) !== undefined) return place;
  return places[0] ?? name;
}

/** Whether systemd, as root, will find something there. `unknown`: this user may not look. */
async function sourceState(file: string): Promise<'there' | 'empty' | 'missing' | 'unknown'> {
  try {
    const { size } = await stat(file);
    await access(file, constants.R_OK);
    return size === 0 ? 'empty' : 'there';
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'unknown';
  }
}

export interface CredentialSearch {
  readonly environment?: NodeJS.ProcessEnv;
  /** Where systemd has its units. */
  readonly unitFolders?: readonly string[];
  /** Where a file lies now that will be at a path: for a configuration that is checked before it is put in place. */
  readonly placed?: (path: string) => string;
}

/** The file that systemd makes a credential from, for who may read both; undefined where it is made from none. */
export async function credentialOrigin(path: string): Promise<string | undefined> {
  const credential = credentialOf(path);
  if (credential === undefined) return undefined;
  const source = await credentialSource(credential.unit, credential.name, UNIT_FOLDERS, (file) => file);
  return typeof source === 'object' ? source?.file : undefined;
}

/** What is known of a credential before its unit starts. */
type Brought = { readonly note: string } | { readonly problem: WaysideError };

/**
 * Whether systemd makes a file when it starts a unit; then its source is what can be looked at before.
 *
 * @param path absolute
 * @param where the part of the configuration that names it, for the message
 * @returns undefined where the file is to be read as it is
 */
export async function broughtCredential(
  path: string,
  where: string,
  { environment = process.env, unitFolders, placed = (file) => file }: CredentialSearch = {},
): Promise<Brought | undefined> {
  const credential = credentialOf(path);
  if (credential === undefined || environment['CREDENTIALS_DIRECTORY'] === dirname(path)) return undefined;
  if ((await sourceState(path)) === 'there') return undefined; // the unit runs, and this user may read it
  const { unit, name } = credential;
  const unreadable = (message: string, hint?: string): Brought => ({
    problem: new WaysideError('SECRET_UNREADABLE', { message: `${where}: ${message}`, ...(hint && { hint }) }),
  });
  const source = await credentialSource(unit, name, unitFolders, placed);
  const brings = `${where}: systemd brings the credential ${name} when it starts ${unit}`;
  if (source === null) return { note: `${brings}, which is not installed here: not checked` };
  if (source === undefined)
    return unreadable(`${unit} has no LoadCredential=${name}:...`, `add it with \`systemctl edit ${unit}\``);
  if (source === 'unit') return { note: `${brings}, from the unit itself` };
  const { file } = source;
  const state = await sourceState(placed(file));
  if (state === 'there') return { note: `${brings}, from ${file}` };
  if (state === 'unknown') return { note: `${brings}, from ${file}, which this user may not read: not checked` };
  return unreadable(`the source of the credential, ${file}, is ${state}`);
}
