import { criterion } from './criterion.ts';

/** OBS saliency: the error of the layers that read a channel, once those that stay have made up for it (Kurtic 2023). */
export const damage = criterion({
  name: 'damage',
  summary: 'error of the layers that read them once they have made up for it, without labels',
  bySensitivity: true,
  async judge(evidence) {
    const { judgeBySaliency } = await import('../obs/judge.ts');
    return judgeBySaliency(evidence);
  },
});
