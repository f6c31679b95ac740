import { join } from 'node:path';
import { diskFiles } from '../../core/file-system.ts';
import type { AgentConfig } from './config/schema.ts';

/** How often a look is taken whether a stick is there: nobody waits for it with a hand on it. */
const STICK_MS = 10_000;

/** Asks for updates that nobody sent a job for: at intervals, and when a stick appears. @returns ends it */
export function startTriggers(
  { repository, usb }: AgentConfig,
  spreadMs: number,
  discover: (source: 'follow' | 'stick') => void,
): () => void {
  const timers: NodeJS.Timeout[] = [];
  if (repository.follow) {
    timers.push(setTimeout(() => discover('follow'), Math.random() * spreadMs));
    timers.push(setInterval(() => discover('follow'), repository.pollMinutes * 60_000));
  }
  if (usb !== undefined) {
    let there = false;
    const look = async (): Promise<void> => {
      const found = (await diskFiles.size(join(usb, 'metadata', 'timestamp.json'))) !== undefined;
      if (found && !there) discover('stick');
      there = found;
    };
    // A stick that is being pulled out gives errors of its own: it is not there then.
    const looking = (): void => {
      look().catch(() => {
        there = false;
      });
    };
    looking();
    timers.push(setInterval(looking, STICK_MS));
  }
  return () => {
    for (const timer of timers) clearTimeout(timer);
  };
}
