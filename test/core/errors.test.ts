import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../core/error-codes.ts';
import { asWaysideError, formatError, isSystemError, WaysideError } from '../../core/errors.ts';

describe('WaysideError', () => {
  it('ends the process with the exit code of its code', () => {
    expect(new WaysideError('CONFIG_INVALID', { message: 'm' }).exitCode).toBe(78);
    expect(new WaysideError('MODEL_DECODE', { message: 'm' }).exitCode).toBe(ERROR_CODES.MODEL_DECODE.exit);
  });

  it('keeps the cause for those who debug', () => {
    const cause = new Error('below');
    expect(new WaysideError('INTERNAL', { message: 'm', cause }).cause).toBe(cause);
    expect('cause' in new WaysideError('INTERNAL', { message: 'm' })).toBe(false);
  });
});

describe('formatError', () => {
  it('prints the code, the message and the hint', () => {
    const error = new WaysideError('CALIBRATION_MISMATCH', {
      message: 'made for another model',
      hint: 'calibrate again',
    });
    expect(formatError(error)).toBe('error CALIBRATION_MISMATCH: made for another model\nhint: calibrate again');
    expect(formatError(new WaysideError('USAGE', { message: 'what' }))).toBe('error USAGE: what');
  });
});

describe('asWaysideError', () => {
  it('passes its own kind on', () => {
    const error = new WaysideError('USAGE', { message: 'm' });
    expect(asWaysideError(error)).toBe(error);
  });

  it('calls an abort an interruption and everything unforeseen a fault of Wayside', () => {
    const controller = new AbortController();
    controller.abort();
    expect(asWaysideError(controller.signal.reason).code).toBe('INTERRUPTED');
    expect(asWaysideError(new TypeError('x is not a function'))).toMatchObject({ code: 'INTERNAL', exitCode: 70 });
    expect(asWaysideError('a string').message).toBe('a string');
  });
});

describe('isSystemError', () => {
  it('knows Node errors by their code only', () => {
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    expect(isSystemError(full, 'EIO', 'ENOSPC')).toBe(true);
    expect(isSystemError(full, 'EIO')).toBe(false);
    expect(isSystemError({ code: 'ENOSPC' }, 'ENOSPC')).toBe(false);
  });
});
