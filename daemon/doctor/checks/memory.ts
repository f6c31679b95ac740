import { bytesText, MB, systemText } from '../box.ts';
import { check } from '../check.ts';

/** Two inference processes stand side by side while a model is replaced, a decoder takes about 60 MB. */
const LEAST_FREE = 150 * MB;

export const memory = check({
  name: 'memory',
  title: 'memory',
  faults: {
    low: {
      severity: 'failure',
      when: 'less than 150 MB are available: a new model could not start beside the old one',
      remedy: 'see who takes it: `ps -eo rss,args --sort=-rss | head`; stop what the box does not need',
    },
    killed: {
      severity: 'warning',
      when: 'the kernel has ended processes for lack of memory since the start',
      remedy: '`journalctl --dmesg --grep="Out of memory"` names them; fewer cameras, a smaller model, or more memory',
    },
  },
  async run(box, { ok, skipped, fault }) {
    const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec((await systemText(box, 'proc/meminfo')) ?? '')?.[1]);
    if (Number.isNaN(available)) return skipped('the kernel does not say how much is available');
    const free = available * 1024;
    const killed = Number(/^oom_kill (\d+)$/m.exec((await systemText(box, 'proc/vmstat')) ?? '')?.[1] ?? 0);
    if (killed > 0) fault('killed', `ended for lack of it since the start: ${killed} processes`);
    if (free < LEAST_FREE) fault('low', `${bytesText(free)} available`);
    else ok(`${bytesText(free)} available`);
  },
});
