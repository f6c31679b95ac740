import { pathIn } from '../box.ts';
import { check } from '../check.ts';

export const agentConfiguration = check({
  name: 'agent-configuration',
  title: 'configuration of the update agent',
  faults: {
    invalid: {
      severity: 'failure',
      when: 'the file is there and does not fit its schema',
      remedy: 'correct it: `editor {path}`, then `wayside agent --check --config {path}`',
    },
    differs: {
      severity: 'failure',
      when: 'daemon and agent are configured for another site, box, store, model, or socket',
      remedy: 'give `{key}` the same value in {path} and {other}, then `systemctl restart wayside wayside-agent`',
    },
    unlinked: {
      severity: 'warning',
      when: 'the daemon names no agent: new models run without a trial, or not at all',
      remedy: 'add `agent: { socket: {socket} }` to {path}, then `systemctl reload wayside`',
    },
  },
  run({ daemon, agent }, { ok, skipped, fault }) {
    if (agent.missing) return skipped(`no ${agent.path}: this box takes no updates`);
    const theirs = agent.config;
    if (theirs === undefined) {
      for (const problem of agent.problems) fault('invalid', problem, { path: agent.path, subject: agent.path });
      return;
    }
    const ours = daemon.config;
    if (ours === undefined) return skipped('the configuration of the daemon cannot be read');
    const { path } = daemon;
    const store = pathIn(agent, theirs.store);
    const socket = pathIn(agent, theirs.socket);
    const pairs = [
      ['site', ours.site, theirs.site],
      ['box', ours.box, theirs.box],
      ...(ours.model.store === undefined ? [] : [['store', pathIn(daemon, ours.model.store), store]]),
      ...(ours.model.name === undefined ? [] : [['model', ours.model.name, theirs.model]]),
      ...(ours.agent === undefined ? [] : [['socket', pathIn(daemon, ours.agent.socket), socket]]),
    ] as const;
    const unlike = pairs.filter(([, one, other]) => one !== other);
    for (const [key = '', one, other] of unlike)
      fault('differs', `${key}: ${one} for the daemon, ${other} for the agent`, {
        key,
        path,
        other: agent.path,
        subject: key,
      });
    if (ours.agent === undefined) fault('unlinked', `${path} has no \`agent\``, { socket, path });
    else if (unlike.length === 0) ok(`model ${theirs.model} from ${theirs.repository.url}`, agent.path);
  },
});
