import type { BrokerOptions } from '../../contract/mqtt/attempt.ts';
import { type BrokerProbe, probeBroker } from '../../contract/mqtt/probe.ts';
import { answerParent } from '../../core/child.ts';
import { type CameraFacts, type ProbedCamera, probeCamera } from '../camera/probe.ts';

/** What is asked of foreign machines, and with which limits. */
export interface ProbeQuestions {
  readonly camera: { readonly camera: ProbedCamera; readonly timeoutMs?: number; readonly watchMs?: number };
  readonly broker: { readonly broker: BrokerOptions; readonly root: string };
}

export interface ProbeAnswers {
  readonly camera: CameraFacts;
  readonly broker: BrokerProbe;
}

type ProbeQuestion = {
  [K in keyof ProbeQuestions]: { readonly kind: K } & ProbeQuestions[K];
}[keyof ProbeQuestions];

async function answer(question: ProbeQuestion): Promise<ProbeAnswers[keyof ProbeAnswers]> {
  switch (question.kind) {
    case 'camera': {
      const { kind: _, camera, ...limits } = question;
      return await probeCamera(camera, limits);
    }
    case 'broker':
      return await probeBroker(question.broker, { root: question.root });
  }
}

answerParent(import.meta.url, answer);
