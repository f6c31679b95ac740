import type { frameNeeded } from '../../inference/preprocess.ts';

/** What `needed` means for a camera of this size: never larger than the camera's own image in either direction. */
export function workingSize(
  needed: ReturnType<typeof frameNeeded>,
  source: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  if (needed.kind === 'exact') {
    return { width: Math.min(needed.width, source.width), height: Math.min(needed.height, source.height) };
  }
  const shorter = Math.min(source.width, source.height);
  if (needed.shorterSide >= shorter) return { width: source.width, height: source.height };
  const longer = Math.trunc((needed.shorterSide * Math.max(source.width, source.height)) / shorter);
  return source.width >= source.height
    ? { width: longer, height: needed.shorterSide }
    : { width: needed.shorterSide, height: longer };
}
