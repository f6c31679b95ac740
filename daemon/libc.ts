import koffi from 'koffi';

/** The C library of this process; null on other systems than Linux, with musl, or where koffi has no build for the processor. */
export function loadLibc(): ReturnType<typeof koffi.load> | null {
  if (process.platform !== 'linux') return null;
  try {
    return koffi.load('libc.so.6');
  } catch {
    return null;
  }
}
