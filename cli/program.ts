import { Command } from 'commander';
import { VERSION } from '../core/layout.ts';
import { agentCommand } from './commands/agent.ts';
import { benchCommand } from './commands/bench.ts';
import { calibrateCommand } from './commands/calibrate.ts';
import { cameraCommand } from './commands/camera.ts';
import { clusterCommand } from './commands/cluster.ts';
import { compressCommand } from './commands/compress.ts';
import { daemonCommand } from './commands/daemon.ts';
import { demoCommand } from './commands/demo.ts';
import { evaluateCommand } from './commands/evaluate.ts';
import { finetuneCommand } from './commands/finetune.ts';
import { inspectCommand } from './commands/inspect.ts';
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
import { trainCommand } from './commands/train.ts';

const EXITS = `
Exit codes: 0 done, 64 usage, 65 bad input, 66 input not found, 69 camera or broker not reachable, 70 fault of Wayside,
74 output not written, 78 configuration, 130 interrupted. docs/reference/errors.md explains every error code.
Environment: NO_COLOR=1 no colours, WAYSIDE_LOG=debug more of the log, WAYSIDE_DEBUG=1 stack traces.`;

/**
 * The whole command line. A command's file imports nothing heavy at its top: what it needs is loaded when it runs, so
 * that `--help` answers at once.
 */
export function createProgram(): Command {
  const program = new Command('wayside')
    .description(
      'Compresses image classifiers to int8 and codebooks, and runs them on roadside computers: RTSP in, MQTT out.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'print the help of a command')
    .showSuggestionAfterError()
    .addHelpText('after', EXITS);
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
    bundleCommand(),
    unbundleCommand(),
    signCommand(),
    verifyCommand(),
    repoCommand(),
    rolloutCommand(),
    agentCommand(),
    daemonCommand(),
    cameraCommand(),
    demoCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of withParts(program)) {
    // Errors are printed once, by main.ts, in Wayside's own shape.
    command
      .exitOverride()
      .configureOutput({ outputError: () => {} })
      .helpOption('-h, --help', 'print this help');
    if (command.commands.length === 0) {
      command.option('--json', 'print exactly one JSON document on stdout, also on failure');
    }
  }
  return program;
}

/** A command and those that it is made of. */
const withParts = (command: Command): Command[] => [command, ...command.commands.flatMap(withParts)];
