import type { Command } from 'commander';
import { assemble } from './assemble.ts';
import { acceptCommand } from './commands/accept/accept.ts';
import { agentCommand } from './commands/agent.ts';
import { benchCommand } from './commands/bench.ts';
import { doctorCommand } from './commands/box/doctor.ts';
import { drillCommand } from './commands/box/drill.ts';
import { calibrateCommand } from './commands/calibrate.ts';
import { cameraCommand } from './commands/camera.ts';
import { clusterCommand } from './commands/cluster.ts';
import { compressCommand } from './commands/compress.ts';
import { countCommand } from './commands/count.ts';
import { daemonCommand } from './commands/daemon.ts';
import { demoCommand } from './commands/demo.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { finetuneCommand } from './commands/finetune.ts';
import { fleetCommand } from './commands/fleet/fleet.ts';
import { identityCommand } from './commands/identity.ts';
import { initCommand } from './commands/init.ts';
import { inspectCommand } from './commands/inspect.ts';
import { journalCommand } from './commands/journal/journal.ts';
import { bundleCommand } from './commands/package/bundle.ts';
import { signCommand } from './commands/package/sign.ts';
import { unbundleCommand } from './commands/package/unbundle.ts';
import { verifyCommand } from './commands/package/verify.ts';
import { pruneCommand } from './commands/prune.ts';
import { quantizeCommand } from './commands/quantize.ts';
import { reconstructCommand } from './commands/reconstruct.ts';
import { repoCommand } from './commands/repo/repo.ts';
import { rolloutCommand } from './commands/rollout/rollout.ts';
import { sensitivityCommand } from './commands/sensitivity.ts';
import { storeCommand } from './commands/store/store.ts';
import { trainCommand } from './commands/train.ts';

/**
 * The whole command line. A command's file imports nothing heavy at its top: what it needs is loaded when it runs, so
 * that `--help` answers at once.
 */
export function createProgram(): Command {
  const commands = [
    inspectCommand(),
    trainCommand(),
    finetuneCommand(),
    compressCommand(),
    sensitivityCommand(),
    pruneCommand(),
    reconstructCommand(),
    clusterCommand(),
    calibrateCommand(),
    quantizeCommand(),
    evaluateCommand(),
    benchCommand(),
    countCommand(),
    acceptCommand(),
    bundleCommand(),
    unbundleCommand(),
    signCommand(),
    verifyCommand(),
    repoCommand(),
    rolloutCommand(),
    fleetCommand(),
    storeCommand(),
    journalCommand(),
    agentCommand(),
    daemonCommand(),
    initCommand(),
    identityCommand(),
    doctorCommand(),
    drillCommand(),
    cameraCommand(),
    demoCommand(),
  ];
  return assemble(
    'Compresses image classifiers to int8 and codebooks, and runs them on roadside computers: RTSP in, MQTT out.',
    commands,
  );
}
