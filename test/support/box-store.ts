import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFiles } from '../../core/file-system.ts';
import type { Digest } from '../../core/hash.ts';
import type { Slot } from '../../deploy/store/layout.ts';
import { ModelStore } from '../../deploy/store/model-store.ts';
import type { ModelPackage } from '../../inference/read-package.ts';

/** A store on the disk of a box, as an agent keeps it. */
export class BoxStore {
  readonly root: string;
  readonly name: string;
  readonly store: ModelStore;

  private constructor(root: string, name: string) {
    this.root = root;
    this.name = name;
    this.store = new ModelStore(diskFiles, root, name);
  }

  /** @param write makes the package that came with the software, in a folder that is not there yet */
  static async create(root: string, name: string, write: (dir: string) => Promise<ModelPackage>): Promise<BoxStore> {
    const box = new BoxStore(root, name);
    await diskFiles.makeFolder(join(root, 'factory'));
    await write(box.store.layout.package('factory'));
    await box.store.open();
    return box;
  }

  /** A package that came and was verified. */
  async install(
    write: (dir: string) => Promise<ModelPackage>,
  ): Promise<{ slot: Slot; dir: string; model: ModelPackage }> {
    const coming = join(this.root, 'downloads', 'coming');
    const model = await write(coming);
    const { name, version } = model.manifest;
    const { slot, dir } = await this.store.beginWriting({ name, version, digest: model.digest as Digest }, 0);
    await rm(dir, { recursive: true });
    await diskFiles.rename(coming, dir);
    await this.store.finishWriting(slot);
    return { slot, dir, model };
  }

  /** Another byte where one was: the file is as long as before. */
  async damage(dir: string): Promise<void> {
    const path = join(dir, 'model.onnx');
    const bytes = await diskFiles.read(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(path, bytes);
  }
}
