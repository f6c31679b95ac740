interface DailyWindow {
  /** `01:30`, UTC. */
  readonly from: string;
  /** Where it is not after `from`, on the next day. */
  readonly to: string;
}

const DAY_MS = 86_400_000;
const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3, 5));

/** When work may begin at the earliest: `now` inside a window, or where there is none. ms since the epoch. */
export function windowOpensAt(windows: readonly DailyWindow[], now: number): number {
  if (windows.length === 0) return now;
  const midnight = Math.floor(now / DAY_MS) * DAY_MS;
  const openings = windows.flatMap(({ from, to }) => {
    const length = (minutes(to) - minutes(from) + 24 * 60) % (24 * 60) || 24 * 60;
    return [-1, 0, 1].map((day) => {
      const start = midnight + day * DAY_MS + minutes(from) * 60_000;
      const inside = now >= start && now < start + length * 60_000;
      return inside ? now : start;
    });
  });
  return Math.min(...openings.filter((at) => at >= now));
}
