import { expect, it } from 'vitest';
import type { BacklogLink } from '../../../contract/mqtt/backlog.ts';
import type { Acknowledgement } from '../../../contract/mqtt/connection.ts';
import type { Read } from '../../../daemon/journal/reader.ts';
import { Uploader } from '../../../daemon/journal/uploader.ts';
import { until } from '../../support/until.ts';

const REFUSED: Acknowledgement = { refused: { code: 135, reason: 'not authorized' } };

const messageOf = (journalSeq: number): Read => ({
  ...{ journalSeq, ordinal: journalSeq, kind: 'counts', topic: 'counts', expirySeconds: 60, capturedAt: 0 },
  payload: `message ${journalSeq}`,
});

/** A connection whose broker answers when the test says so. */
class Connected implements BacklogLink {
  readonly level: 4 | 5;
  readonly sent: { readonly payload: string; readonly answer: (answer: Acknowledgement) => void }[] = [];
  readonly refusals: (string | undefined)[] = [];
  readable = true;
  hear: (payload: string) => void = () => undefined;
  readonly #uploader: Uploader;

  constructor(uploader: Uploader, level: 4 | 5) {
    this.#uploader = uploader;
    this.level = level;
  }

  wake(): void {
    for (let message = this.#uploader.next(); message !== undefined; message = this.#uploader.next())
      this.sent.push({ payload: message.payload, answer: this.#uploader.sent() });
  }

  answered(_topic: string, refusal: string | undefined): void {
    this.refusals.push(refusal);
  }

  subscribe(_topic: string, hear: (payload: string) => void): Promise<boolean> {
    this.hear = hear;
    return Promise.resolve(this.readable);
  }

  unsubscribe(): void {}
}

function box(count: number) {
  const waiting = [Array.from({ length: count }, (_, index) => messageOf(index + 1))];
  const settled: number[] = [];
  const uploader = new Uploader({
    read: () => Promise.resolve(waiting.shift() ?? []),
    settled: (journalSeq) => settled.push(journalSeq),
    failed: (cause) => expect(cause).toBeUndefined(),
    refusedBackoff: { firstMs: 20, longestMs: 20 },
    echoMs: 30,
  });
  const connect = (level: 4 | 5): Connected => {
    const link = new Connected(uploader, level);
    uploader.connected(link);
    return link;
  };
  return { uploader, settled, connect };
}

it('sends a window of them in order, and settles them in order whatever the order of the answers', async () => {
  const { settled, connect } = box(50);
  const link = connect(5);
  await until('the window', () => link.sent.length === 20);
  expect(link.sent.map(({ payload }) => payload)).toEqual(Array.from({ length: 20 }, (_, i) => `message ${i + 1}`));
  link.sent[1]?.answer({});
  expect(settled).toEqual([]);
  link.sent[0]?.answer({});
  expect(settled).toEqual([2]);
  expect(link.sent).toHaveLength(22);
});

it('skips nothing that is refused: it holds up the rest, is told, and goes again', async () => {
  const { settled, connect } = box(3);
  const link = connect(5);
  await until('all three', () => link.sent.length === 3);
  link.sent[0]?.answer(REFUSED);
  link.sent[1]?.answer({});
  expect(settled).toEqual([]);
  expect(link.refusals).toContain('not authorized');
  await until('the first again', () => link.sent.length === 4);
  expect(link.sent[3]?.payload).toBe('message 1');
  link.sent[3]?.answer({});
  expect(settled).toEqual([2]);
});

it('sends again over the next connection what the last one did not confirm, and believes no answer of the last', async () => {
  const { uploader, settled, connect } = box(3);
  const first = connect(5);
  await until('all three', () => first.sent.length === 3);
  first.sent[0]?.answer({});
  uploader.disconnected();
  const second = connect(5);
  first.sent[1]?.answer({});
  await until('the two', () => second.sent.length === 2);
  expect(second.sent.map(({ payload }) => payload)).toEqual(['message 2', 'message 3']);
  expect(settled).toEqual([1]);
});

it('under MQTT 3.1.1 counts the first of a topic when it has come back, and takes one that does not for refused', async () => {
  const { settled, connect } = box(3);
  const link = connect(4);
  await until('one alone', () => link.sent.length === 1);
  link.sent[0]?.answer({});
  expect(settled).toEqual([]);
  await until('that it was taken for refused', () => link.refusals.length === 1);
  await until('it to go again', () => link.sent.length === 2);
  link.hear('message 1');
  link.sent[1]?.answer({});
  expect(settled).toEqual([1]);
  await until('the others', () => link.sent.length === 4);
});

it('under MQTT 3.1.1 goes by the confirmation where it may not read, and knows of which topics', async () => {
  const { uploader, settled, connect } = box(1);
  const link = connect(4);
  link.readable = false;
  await until('the message', () => link.sent.length === 1);
  expect(uploader.unproved).toEqual(['counts']);
  link.sent[0]?.answer({});
  expect(settled).toEqual([1]);
});
