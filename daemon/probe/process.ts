import type { BrokerOptions } from '../../contract/mqtt/attempt.ts';
import { type BrokerProbe, probeBroker } from '../../contract/mqtt/probe.ts';
import { answerParent } from '../../core/child.ts';
import type { FirstRoot, RootPlace } from '../../deploy/agent/first-root.ts';
import { type CameraFacts, type ProbedCamera, probeCamera } from '../camera/probe.ts';
import { type CertificateFacts, type CertificateQuestion, probeCertificate } from './certificate.ts';
import type { ModelFacts, ModelQuestion } from './model.ts';
import { type DiscoveredCamera, discoverCameras } from './onvif/discovery.ts';
import type { DescribedStream, MediaQuestion } from './onvif/media.ts';
import type { RepositoryFacts, RepositoryQuestion } from './repository.ts';

/** What is asked of foreign machines, and with which limits. */
export interface ProbeQuestions {
  readonly camera: { readonly camera: ProbedCamera; readonly timeoutMs?: number; readonly watchMs?: number };
  readonly broker: { readonly broker: BrokerOptions; readonly root: string };
  readonly certificate: CertificateQuestion;
  readonly model: ModelQuestion;
  readonly repository: RepositoryQuestion;
  /** Cameras that answer to ONVIF WS-Discovery. */
  readonly cameras: { readonly listenMs?: number };
  /** The streams of a camera that answered. */
  readonly streams: MediaQuestion;
  /** The first root of an update repository. */
  readonly root: RootPlace;
}

export interface ProbeAnswers {
  readonly camera: CameraFacts;
  readonly broker: BrokerProbe;
  readonly certificate: CertificateFacts;
  readonly model: ModelFacts;
  readonly repository: RepositoryFacts;
  readonly cameras: readonly DiscoveredCamera[];
  readonly streams: readonly DescribedStream[];
  readonly root: FirstRoot;
}

type ProbeQuestion = {
  [K in keyof ProbeQuestions]: { readonly kind: K } & ProbeQuestions[K];
}[keyof ProbeQuestions];

/** What the process does with a question. */
export async function answer(question: ProbeQuestion): Promise<ProbeAnswers[keyof ProbeAnswers]> {
  switch (question.kind) {
    case 'camera': {
      const { kind: _, camera, ...limits } = question;
      return await probeCamera(camera, limits);
    }
    case 'broker':
      return await probeBroker(question.broker, { root: question.root });
    case 'certificate':
      return await probeCertificate(question);
    // What loads ONNX Runtime or the update client is loaded by who needs it: a camera's probe is to begin at once.
    case 'model':
      return await (await import('./model.ts')).probeModel(question);
    case 'repository':
      return await (await import('./repository.ts')).probeRepository(question);
    case 'cameras':
      return await discoverCameras(question);
    case 'streams':
      return await (await import('./onvif/media.ts')).streamsOf(question);
    case 'root':
      return await (await import('../../deploy/agent/first-root.ts')).fetchFirstRoot(question);
  }
}

answerParent(import.meta.url, answer);
