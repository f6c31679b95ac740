import { asWaysideError, type ErrorCode } from '../../../core/errors.ts';
import { pathIn } from '../box.ts';
import { check } from '../check.ts';

const DAY_MS = 86_400_000;
/** A root is signed by people with keys in safes: they need notice. */
const SOON_DAYS = 60;

const REASONS: Partial<Readonly<Record<ErrorCode, 'unreachable' | 'refused' | 'expired' | 'state-lost'>>> = {
  DOWNLOAD_FAILED: 'unreachable',
  DOWNLOAD_SLOW: 'unreachable',
  DOWNLOAD_TOO_LARGE: 'refused',
  UPDATE_REFUSED: 'refused',
  UPDATE_EXPIRED: 'expired',
  UPDATE_STATE_LOST: 'state-lost',
};

export const repository = check({
  name: 'repository',
  title: 'repository of updates',
  faults: {
    'no-root': {
      severity: 'failure',
      when: 'the first root, which all trust begins with, is not there',
      remedy: 'copy it from the office, by a way that is trusted: `scp office:repository/metadata/1.root.json {file}`',
    },
    unreachable: {
      severity: 'failure',
      when: 'its server does not answer, or answers too slowly',
      remedy: '`curl -I {url}metadata/timestamp.json` from this box; `repository.url` and `repository.ca` in {path}',
    },
    refused: {
      severity: 'failure',
      when: 'what it offers is not signed by the keys that this box trusts, or is older than what it has seen',
      remedy:
        'ask the office before anything else: `wayside repo status` there; is {file} the root of that repository?',
    },
    expired: {
      severity: 'failure',
      when: 'its metadata is expired: nobody refreshes it, or old metadata is served in its place',
      remedy: 'in the office: `wayside repo refresh`, by a timer; see `clock` too',
    },
    'root-expires': {
      severity: 'warning',
      when: 'its root expires within 60 days: afterwards no box takes an update',
      remedy: 'in the office, before {date}: `wayside repo rotate`, signed by the holders of root keys',
    },
    'state-lost': {
      severity: 'failure',
      when: 'what the box knows of the versions it has seen is damaged in every copy',
      remedy: 'see docs/reference/agent.md, “State”: whether to begin anew is the office’s decision',
    },
  },
  async run({ agent, measures, now, signal }, { ok, skipped, fault }) {
    const { config, folder, path } = agent;
    if (config === undefined) return skipped(agent.missing ? 'this box takes no updates' : 'see `agent-configuration`');
    const { url } = config.repository;
    const file = pathIn(agent, config.repository.root);
    const about = { subject: url, url: url.endsWith('/') ? url : `${url}/`, file, path };
    try {
      const { rootExpires, versions } = await measures.repository({ config, folder });
      const date = new Date(rootExpires).toISOString().slice(0, 10);
      if (rootExpires - now < SOON_DAYS * DAY_MS) fault('root-expires', `expires ${date}`, { ...about, date });
      else ok(`root ${versions['root']} until ${date}, targets ${versions['targets']}`, url);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')
        return fault('no-root', thrown.message, about);
      const { code, message } = asWaysideError(thrown);
      const name = code === 'FILE_NOT_FOUND' ? 'no-root' : REASONS[code];
      if (name === undefined) throw thrown;
      fault(name, message, about);
    }
  },
});
