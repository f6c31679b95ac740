import { expect, it } from 'vitest';
import { readMessage } from '../../contract/messages/heard.ts';
import { Messenger } from '../../contract/messenger.ts';

it('says one JSON object: the envelope, then what its maker says', () => {
  const session = '3d6e9f0a-7a0b-4c66-9a53-0d6c4a8f1e77';
  const messenger = new Messenger({
    site: 'north',
    box: 'box-1',
    session,
    clock: () => ({ synced: true, errorMs: 1.5 }),
    telemetrySeconds: 10,
  });
  const reasons = [{ code: 'connection-lost' as const, message: 'said "nothing",\n\u2028 and a \\' }];
  const texts = [0, 1].map(() => messenger.compose('state', { state: 'offline', reasons, bootId: null }));
  for (const [seq, text] of texts.entries()) {
    const message = readMessage('state', Buffer.from(text));
    expect(message).toMatchObject({ schema: 'wayside/v1/state', session, seq, state: 'offline', reasons });
    expect(Object.keys(JSON.parse(text) as object)).toEqual([
      ...['schema', 'id', 'session', 'seq', 'capturedAt', 'publishedAt', 'clock'],
      ...['state', 'reasons', 'bootId'],
    ]);
  }
});
