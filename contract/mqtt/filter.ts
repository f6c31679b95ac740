/** Whether a topic filter names a topic: `+` is any one level, `#` the level it follows and all below it (MQTT 5, 4.7.1). */
export function filterFits(filter: string, topic: string): boolean {
  // 4.7.2: what servers say of themselves is not meant by a wildcard at the first level.
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const levels = topic.split('/');
  const wanted = filter.split('/');
  for (const [index, each] of wanted.entries()) {
    if (each === '#') return true;
    if (levels[index] === undefined || (each !== '+' && each !== levels[index])) return false;
  }
  return levels.length === wanted.length;
}
