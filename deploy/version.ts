/** `2.10-rc.1+build` as `2.10`, `rc.1`; what follows `+` says nothing of the order (SemVer 2.0.0, 10). */
function parts(version: string): { readonly main: readonly string[]; readonly early: readonly string[] } {
  const [text = ''] = version.split('+');
  const dash = text.indexOf('-');
  const tokens = (piece: string): string[] => piece.match(/\d+|[a-z]+/gi) ?? [];
  return dash < 0
    ? { main: tokens(text), early: [] }
    : { main: tokens(text.slice(0, dash)), early: tokens(text.slice(dash)) };
}

const isNumber = (token: string): boolean => /^\d/.test(token);

function compareTokens(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [x, y] = [a[at], b[at]];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    if (isNumber(x) !== isNumber(y)) return isNumber(x) ? 1 : -1;
    const order = isNumber(x) ? Number(BigInt(x) - BigInt(y)) : x.localeCompare(y, 'en');
    if (order !== 0) return Math.sign(order);
  }
  return 0;
}

/** Order of versions: numbers by value, and what has a pre-release (`-rc.1`) before what has none (SemVer 2.0.0, 11). */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parts(a), parts(b)];
  const order = compareTokens(x.main, y.main);
  if (order !== 0) return order;
  if (x.early.length === 0 || y.early.length === 0) return Math.sign(y.early.length - x.early.length);
  return compareTokens(x.early, y.early);
}
