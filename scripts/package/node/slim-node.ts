import { withoutBytes } from './elf.ts';
import { englishData, findIcuData } from './icu-data.ts';

/**
 * Node without what ICU knows of other languages than English, a quarter of it: Wayside writes numbers and sorts names in English
 * alone. A build with `--with-intl=small-icu` has as little; the registry has none.
 */
export function slimNode(binary: Buffer): Buffer {
  const at = findIcuData(binary);
  const { data, replaces } = englishData(binary.subarray(at));
  const changed = Buffer.from(binary);
  data.copy(changed, at);
  return withoutBytes(changed, at + data.length, at + replaces);
}
