import { dirname } from 'node:path';
import {
  type ByteRange,
  type FileSystem,
  inMemory,
  type OpenFile,
  type RandomAccess,
} from '../../../core/file-system.ts';
import { digestOf } from '../../../core/hash.ts';
import type { Random } from '../../../core/random.ts';
import { type Loss, leftOf, MIXED } from './losses.ts';

interface FileNode {
  readonly kind: 'file';
  content: Buffer;
  /** What fsync flushed; undefined before the first. */
  synced: Buffer | undefined;
}
interface FolderNode {
  readonly kind: 'folder';
  entries: Map<string, Node>;
  /** The names that fsync of the folder flushed. */
  synced: Map<string, Node>;
}
interface LinkNode {
  readonly kind: 'link';
  readonly target: string;
}
type Node = FileNode | FolderNode | LinkNode;

const folder = (): FolderNode => ({ kind: 'folder', entries: new Map(), synced: new Map() });

const systemError = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });

const parts = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

const digests = new WeakMap<Buffer, string>();

function digestOfBuffer(content: Buffer): string {
  const known = digests.get(content);
  if (known !== undefined) return known;
  const digest = digestOf(content);
  digests.set(content, digest);
  return digest;
}

/** Temporary files have a name by chance. */
const stable = (name: string): string => name.replace(/[0-9a-f]{12}\.tmp$/, '.tmp');

/** A disk in memory that knows what was flushed: it can lose its power before any act, and be asked what is left then. */
export class MemoryFiles implements FileSystem {
  readonly #root: FolderNode;
  /** Acts so far that change the disk or flush it. */
  acts = 0;
  /** Kind of every act, in order. */
  readonly log: string[] = [];
  /** The power goes before this act: it and all after it never end, as for a process that is no more. */
  cutAt = Number.POSITIVE_INFINITY;
  /** Resolves when the power goes. */
  readonly cut: Promise<void>;
  #cutNow: () => void = () => {};
  /** The flush (file or folder) of this number does nothing: somebody left it out. */
  skippedFlush = -1;
  flushes = 0;
  /** Broken rules of order: data gets a name before it was flushed, or work goes on before a rename was. */
  readonly broken: string[] = [];
  #renamed:
    | { readonly folder: FolderNode; readonly name: string; readonly node: Node; readonly what: string }
    | undefined;
  /** Bytes that may still be written. */
  room = Number.POSITIVE_INFINITY;
  /** Called before every act: the power may go here. */
  beforeAct: () => void = () => {};

  constructor(root: FolderNode = folder()) {
    this.#root = root;
    this.cut = new Promise((resolve) => {
      this.#cutNow = resolve;
    });
  }

  async read(path: string): Promise<Buffer> {
    const node = this.#node(path);
    if (node.kind !== 'file') throw systemError('EISDIR', path);
    return node.content;
  }

  async *stream(path: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    yield (await this.read(path)).subarray(range?.from, range?.to);
  }

  async look<T>(path: string, look: (source: RandomAccess) => T): Promise<T> {
    return look(inMemory(await this.read(path)));
  }

  async list(path: string): Promise<readonly string[]> {
    return [...this.#folder(path).entries.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  async size(path: string): Promise<number | undefined> {
    const node = this.#find(path);
    return node?.kind === 'file' ? node.content.length : undefined;
  }

  async makeFolder(path: string): Promise<void> {
    let at = this.#root;
    for (const part of parts(path)) {
      const found = at.entries.get(part);
      if (found === undefined) await this.#act('makeFolder', path);
      const next = found ?? folder();
      if (next.kind !== 'folder') throw systemError('ENOTDIR', path);
      at.entries.set(part, next);
      at = next;
    }
  }

  async open(path: string, how: 'new' | 'append'): Promise<OpenFile> {
    const parent = this.#folder(dirname(path));
    const name = parts(path).at(-1) ?? '';
    const found = parent.entries.get(name);
    if (how === 'new' && found !== undefined) throw systemError('EEXIST', path);
    if (found === undefined) await this.#act('create', path);
    const file = found ?? { kind: 'file', content: Buffer.alloc(0), synced: undefined };
    if (file.kind !== 'file') throw systemError('EISDIR', path);
    parent.entries.set(name, file);
    return {
      write: async (bytes) => {
        await this.#act('write', path);
        if (bytes.length > this.room) {
          file.content = Buffer.concat([file.content, bytes.subarray(0, this.room)]);
          this.room = 0;
          throw systemError('ENOSPC', path);
        }
        this.room -= bytes.length;
        file.content = Buffer.concat([file.content, bytes]);
      },
      truncate: async (length) => {
        await this.#act('truncate', path);
        file.content = Buffer.concat([
          file.content.subarray(0, length),
          Buffer.alloc(Math.max(0, length - file.content.length)),
        ]);
      },
      sync: async () => {
        if (await this.#flush(path)) file.synced = file.content;
      },
      close: async () => {},
    };
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#node(from);
    await this.#act('rename', `${from} -> ${to}`);
    if (node.kind === 'file' && node.synced !== node.content)
      this.broken.push(`${to} was renamed before its data were flushed`);
    this.#folder(dirname(from)).entries.delete(parts(from).at(-1) ?? '');
    const target = { folder: this.#folder(dirname(to)), name: parts(to).at(-1) ?? '', node, what: to };
    target.folder.entries.set(target.name, node);
    this.#renamed = target;
  }

  async symlink(target: string, path: string): Promise<void> {
    await this.#act('symlink', path);
    this.#folder(dirname(path)).entries.set(parts(path).at(-1) ?? '', { kind: 'link', target });
  }

  async remove(path: string): Promise<void> {
    if (this.#find(path) === undefined) return;
    await this.#act('remove', path);
    this.#folder(dirname(path)).entries.delete(parts(path).at(-1) ?? '');
  }

  /** As rm -r: one act a name, from the leaves up. */
  async removeFolder(path: string): Promise<void> {
    const node = this.#find(path);
    if (node === undefined) return;
    if (node.kind === 'folder') for (const name of [...node.entries.keys()]) await this.removeFolder(`${path}/${name}`);
    await this.remove(path);
  }

  async syncFolder(path: string): Promise<void> {
    const node = this.#folder(path);
    if (await this.#flush(path)) node.synced = new Map(node.entries);
  }

  /** Paths whose name or data the power could take. */
  unflushed(node: FolderNode = this.#root, path = ''): string[] {
    const names = new Set([...node.entries.keys(), ...node.synced.keys()]);
    return [...names].flatMap((name) => {
      const [now, then] = [node.entries.get(name), node.synced.get(name)];
      const here = `${path}/${name}`;
      if (now !== then) return [here];
      if (now?.kind === 'file') return now.content === now.synced ? [] : [here];
      return now?.kind === 'folder' ? this.unflushed(now, here) : [];
    });
  }

  /** Everything is on the disk: where a scenario starts. */
  flushAll(node: Node = this.#root): void {
    if (node.kind === 'file') node.synced = node.content;
    if (node.kind !== 'folder') return;
    node.synced = new Map(node.entries);
    for (const child of node.entries.values()) this.flushAll(child);
  }

  /** Two disks with the same names and bytes have the same: names and links as text, files by the digest of their bytes. */
  fingerprint(): string {
    const visit = (node: Node): string => {
      if (node.kind === 'file') return digestOfBuffer(node.content);
      if (node.kind === 'link') return `-> ${node.target}`;
      const names = [...node.entries.keys()].sort((a, b) => (a < b ? -1 : 1));
      return `{${names.map((name) => `${stable(name)}:${visit(node.entries.get(name)!)}`).join()}}`;
    };
    return visit(this.#root);
  }

  /** Another disk with the same content. */
  clone(): MemoryFiles {
    const copies = new Map<Node, Node>();
    const copy = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      if (node.kind !== 'folder') {
        const twin = { ...node };
        copies.set(node, twin);
        return twin;
      }
      const twin = folder();
      copies.set(node, twin);
      for (const [name, child] of node.entries) twin.entries.set(name, copy(child));
      for (const [name, child] of node.synced) twin.synced.set(name, copy(child));
      return twin;
    };
    return new MemoryFiles(copy(this.#root) as FolderNode);
  }

  /** What the next start finds after the power went now. */
  afterCut(loss: Loss, random: Random): MemoryFiles {
    const coin = (): boolean => random.next() < 0.5;
    const namesKept = (): boolean => (loss === 'mixed' ? coin() : loss !== 'lost' && loss !== 'names-lost');
    const bytesOf = ({ content, synced }: FileNode): Buffer => {
      if (synced === content) return content;
      const how = loss === 'mixed' ? (MIXED[random.below(MIXED.length)] ?? 'lost') : loss;
      return leftOf(content, synced ?? Buffer.alloc(0), how, coin);
    };
    const copies = new Map<FileNode, FileNode>();
    const left = (node: Node): Node => {
      if (node.kind === 'link') return node;
      if (node.kind === 'file') {
        const bytes = bytesOf(node);
        const twin = copies.get(node) ?? { kind: 'file', content: bytes, synced: bytes };
        copies.set(node, twin);
        return twin;
      }
      const twin = folder();
      for (const name of new Set([...node.synced.keys(), ...node.entries.keys()])) {
        const [before, after] = [node.synced.get(name), node.entries.get(name)];
        const found = before === after || namesKept() ? after : before;
        if (found !== undefined) twin.entries.set(name, left(found));
      }
      twin.synced = new Map(twin.entries);
      return twin;
    };
    return new MemoryFiles(left(this.#root) as FolderNode);
  }

  async #act(kind: string, path: string): Promise<void> {
    this.beforeAct();
    if (this.acts >= this.cutAt) {
      this.#cutNow();
      await new Promise<never>(() => {});
    }
    const last = this.#renamed;
    if (kind !== 'flush' && last !== undefined) {
      if (last.folder.synced.get(last.name) !== last.node)
        this.broken.push(`${kind} ${path} before the name of ${last.what} was flushed`);
      this.#renamed = undefined;
    }
    this.acts++;
    this.log.push(`${kind} ${path}`);
  }

  async #flush(path: string): Promise<boolean> {
    await this.#act('flush', path);
    return this.flushes++ !== this.skippedFlush;
  }

  #find(path: string): Node | undefined {
    let at: Node = this.#root;
    for (const part of parts(path)) {
      if (at.kind !== 'folder') return undefined;
      const next = at.entries.get(part);
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  }

  #node(path: string): Node {
    const node = this.#find(path);
    if (node === undefined) throw systemError('ENOENT', path);
    return node;
  }

  #folder(path: string): FolderNode {
    const node = this.#node(path);
    if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
    return node;
  }
}

/** Puts a folder of the real disk there, flushed. */
export async function copyIn(files: MemoryFiles, from: FileSystem, source: string, target: string): Promise<void> {
  await files.makeFolder(target);
  for (const name of await from.list(source)) {
    if ((await from.size(`${source}/${name}`)) !== undefined && !(await isFolder(from, `${source}/${name}`))) {
      const file = await files.open(`${target}/${name}`, 'new');
      await file.write(await from.read(`${source}/${name}`));
    } else await copyIn(files, from, `${source}/${name}`, `${target}/${name}`);
  }
}

async function isFolder(files: FileSystem, path: string): Promise<boolean> {
  return files.list(path).then(
    () => true,
    () => false,
  );
}
