import type { Command } from 'commander';
import { assemble } from '../assemble.ts';
import { agentCommand } from '../commands/agent.ts';
import { doctorCommand } from '../commands/box/doctor.ts';
import { drillCommand } from '../commands/box/drill.ts';
import { daemonCommand } from '../commands/daemon.ts';
import { identityCommand } from '../commands/identity.ts';
import { initCommand } from '../commands/init.ts';
import { journalCommand } from '../commands/journal/journal.ts';
import { unbundleCommand } from '../commands/package/unbundle.ts';
import { verifyCommand } from '../commands/package/verify.ts';
import { storeCommand } from '../commands/store/store.ts';

/** The commands of a box: what they load, and nothing else, is what its package installs. */
export const createBoxProgram = (): Command =>
  assemble('Runs image classifiers on a roadside computer: RTSP in, MQTT out.', [
    daemonCommand(),
    doctorCommand(),
    drillCommand(),
    agentCommand(),
    storeCommand(),
    initCommand(),
    journalCommand(),
    identityCommand(),
    unbundleCommand(),
    verifyCommand(),
  ]);
