import { dirname } from 'node:path';
import { diskFiles, writeFailed } from '../../core/file-system.ts';
import { temporaryBeside } from '../../core/temporary.ts';

/** Copies a file of any size into place: under its name it is whole, and on the disk. @throws {WaysideError} FILE_WRITE_FAILED */
export async function copyFile(from: string, to: string): Promise<void> {
  const temporary = temporaryBeside(to);
  try {
    await diskFiles.makeFolder(dirname(to));
    const file = await diskFiles.open(temporary, 'new');
    try {
      for await (const chunk of diskFiles.stream(from)) await file.write(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await diskFiles.rename(temporary, to);
    await diskFiles.syncFolder(dirname(to));
  } catch (cause) {
    await diskFiles.remove(temporary);
    throw writeFailed(to, cause);
  }
}
