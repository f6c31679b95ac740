import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

/** What a unit says of a credential: where it comes from, or that it is part of the unit. */
type CredentialSource = { readonly file: string } | 'unit';

/** Where systemd looks for units, the administrator's first (systemd.unit(5)). */
const UNIT_FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
/** Where systemd looks for a credential that has no path, or one that is not absolute (systemd.exec(5), LoadCredential=). */
const STORES = ['/etc/credstore', '/run/credstore', '/usr/local/lib/credstore', '/usr/lib/credstore'];

/** `/run/credentials/UNIT/NAME`: what systemd makes when it starts the unit. */
export function credentialOf(path: string): { readonly unit: string; readonly name: string } | undefined {
  const [, unit, name] = /^\/run\/credentials\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  return unit === undefined || name === undefined ? undefined : { unit, name };
}

const textOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

/** The unit's file and its drop-ins; undefined when no such unit is installed. */
async function unitText(unit: string, folders: readonly string[]): Promise<string | undefined> {
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
export async function credentialSource(
  unit: string,
  name: string,
  folders: readonly string[] = UNIT_FOLDERS,
): Promise<CredentialSource | undefined | null> {
  const text = await unitText(unit, folders);
  if (text === undefined) return null;
  for (const [, key, value = ''] of text.matchAll(
    /^\s*(LoadCredential|LoadCredentialEncrypted|SetCredential|SetCredentialEncrypted|ImportCredential)\s*=\s*(.*?)\s*$/gm,
  )) {
    const [id = '', ...rest] = value.split(':');
    const from = rest.join(':');
    // A folder's files become `ID_FILE` (systemd 250).
    if (key === 'LoadCredential' && name.startsWith(`${id}_`) && (await isFolder(from)))
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
export async function sourceState(file: string): Promise<'there' | 'empty' | 'missing' | 'unknown'> {
  try {
    const { size } = await stat(file);
    await access(file, constants.R_OK);
    return size === 0 ? 'empty' : 'there';
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'unknown';
  }
}
