import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, hasCredentials, redactorFor } from '../../../daemon/camera/address.ts';

describe('the address of a camera', () => {
  it('carries any name and password so that a URL parser gives them back', () => {
    const text = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
    fc.assert(
      fc.property(text, text, (username, password) => {
        const url = new URL(addressOf({ url: 'rtsp://camera:554/a?b=1', username, password }));
        expect(decodeURIComponent(url.username)).toBe(username);
        expect(decodeURIComponent(url.password)).toBe(password);
        expect(url.host + url.pathname + url.search).toBe('camera:554/a?b=1');
      }),
    );
  });

  it('prefers credentials given apart to those of the URL', () => {
    expect(addressOf({ url: 'rtsp://a:b@camera/', username: 'u', password: 'p' })).toBe('rtsp://u:p@camera/');
    expect(addressOf({ url: 'rtsp://a:b@camera/' })).toBe('rtsp://a:b@camera/');
    expect([hasCredentials({ url: 'rtsp://a:b@camera/' }), hasCredentials({ url: 'rtsp://camera/x@y' })]).toEqual([
      true,
      false,
    ]);
  });

  it('lets no spelling of the password out', () => {
    const password = fc
      .string({ minLength: 6, maxLength: 20 })
      .filter((text) => /[A-Za-z0-9]{4}/.test(text) && !text.includes('***'));
    fc.assert(
      fc.property(password, (secret) => {
        const redact = redactorFor({ url: 'rtsp://camera/', username: 'u', password: secret });
        const address = addressOf({ url: 'rtsp://camera/', username: 'u', password: secret });
        const clean = redact(`${address}: Server returned 401; ${secret}; ${encodeURIComponent(secret)}`);
        expect(clean).not.toContain(secret);
        expect(clean).not.toContain(encodeURIComponent(secret));
        expect(clean).toContain('401');
      }),
    );
  });

  it('knows the password that a URL brings', () => {
    expect(redactorFor({ url: 'rtsp://u:hunter2@camera/' })('hunter2 was wrong')).toBe('*** was wrong');
  });
});
