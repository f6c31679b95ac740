import { join } from 'node:path';
import { asWaysideError, isSystemError, WaysideError } from '../../../core/errors.ts';
import { writeFailed } from '../../../core/file-system.ts';
import { inspectBundle, unpackBundleInto } from '../../bundle/read-bundle.ts';
import type { DownloadedBundle, TrustedTarget } from '../situation.ts';
import type { Work } from '../work.ts';

/** Fetches a bundle, going on where an attempt before stopped, and reads what it says of itself. */
export async function download(
  { tools, memory, wanted, signal, onProgress }: Work,
  target: TrustedTarget,
): Promise<void> {
  const { store, files } = tools;
  const file = join(store.layout.downloads, `${target.sha256}.bundle`);
  const client = tools.repository(wanted.source ?? 'office');
  await client.download(target.path, file, {
    signal,
    onProgress: (done, total) => onProgress(done / Math.max(1, total)),
  });
  const header = await inspectBundle(file, {}, files);
  if (target.package !== undefined && header.package !== target.package) {
    throw new WaysideError('BUNDLE_INVALID', {
      message: `${target.path} holds ${header.package}; its signers say ${target.package}`,
    });
  }
  const unpackedBytes = header.files.reduce((sum, { bytes }) => sum + bytes, 0);
  memory.downloaded = { file, package: header.package, parent: header.parent, unpackedBytes };
}

/** Unpacks into the spare slot, and verifies what arrived on the disk there. */
export async function unpack(work: Work, bundle: DownloadedBundle): Promise<void> {
  const { tools, settings, memory, wanted, installed, signal } = work;
  const { store, files } = tools;
  const parent = bundle.parent === undefined ? undefined : installed.find(({ digest }) => digest === bundle.parent);
  const identity = { name: settings.model, version: wanted.version, digest: bundle.package };
  try {
    const { slot, dir } = await store.beginWriting(identity, wanted.job);
    await unpackBundleInto(files, bundle.file, dir, {
      signal,
      ...(parent && { parent: store.layout.package(parent.place) }),
    });
    const manifest = await store.finishWriting(slot);
    const reads = memory.daemon?.packageFormats;
    if (reads !== undefined && !reads.includes(manifest.format)) {
      await store.discard(slot);
      throw new WaysideError('UPDATE_FORMAT', {
        message: `package format ${manifest.format}; the daemon of this box reads ${reads.join(', ')}`,
        hint: 'update Wayside on the box',
      });
    }
    if (manifest.name !== identity.name || manifest.version !== identity.version) {
      await store.discard(slot);
      const found = `${manifest.name} ${manifest.version}`;
      throw new WaysideError('PACKAGE_INVALID', {
        message: `expected ${identity.name} ${identity.version} in the bundle, got ${found}`,
      });
    }
  } catch (cause) {
    // What the differences are from may be damaged, or its slot the one that was emptied: the whole has to come.
    if (bundle.parent !== undefined && cause instanceof WaysideError) {
      Object.assign(memory, { wholeOnly: true, target: undefined, downloaded: undefined });
    }
    throw isSystemError(cause, 'ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EIO')
      ? writeFailed(bundle.file, cause)
      : signal.aborted
        ? cause
        : asWaysideError(cause);
  }
}
