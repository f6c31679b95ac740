import { expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import type { Box } from './box.ts';

/** As `journalctl -o json` writes an entry: a field that occurs more than once is a list. */
type JournalEntry = Readonly<Record<string, string | readonly string[]>>;

/** What the journal of the box says. */
export function journal(box: Box): void {
  const entries = async (matches: string): Promise<JournalEntry[]> => {
    const lines = await box().debian.do(`journalctl --output=json --all --no-pager ${matches}`);
    return lines
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as JournalEntry);
  };

  it('finds the lines about a camera, a model and a code by their fields, under the unit and with their priority', async () => {
    const camera = await until('a line about the camera', async () => {
      const found = await entries('CAMERA=north');
      return found.find(({ MESSAGE }) => String(MESSAGE).includes('camera live'));
    });
    expect(camera).toMatchObject({ PRIORITY: '6', _SYSTEMD_UNIT: 'wayside.service', SYSLOG_IDENTIFIER: 'wayside' });
    const [model] = await entries('MODEL=street-grid');
    expect(model).toMatchObject({ PRIORITY: '6', MODEL_VERSION: expect.any(String) });
    const refused = await entries('CODE=CONFIG_INVALID --priority=err');
    expect(refused.map(({ MESSAGE }) => String(MESSAGE)).join()).toContain('the old configuration stays in use');
    for (const unit of ['wayside.service', 'wayside-agent.service'])
      expect((await entries(`CODE=FILE_NOT_FOUND _SYSTEMD_UNIT=${unit}`)).length).toBeGreaterThan(0);
  });

  it('has no line about a camera that does not name it', async () => {
    const all = await entries('--unit=wayside');
    const about = all.filter(({ MESSAGE }) => /"msg":"camera |"camera":"/.test(String(MESSAGE)));
    expect(about.length).toBeGreaterThan(0);
    expect(about.filter(({ CAMERA }) => CAMERA !== 'north')).toEqual([]);
  });
}
