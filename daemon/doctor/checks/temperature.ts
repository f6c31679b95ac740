import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { temperatureCelsius } from '../../telemetry/thermal.ts';
import { answerOf, systemText } from '../box.ts';
import { check } from '../check.ts';

/** Boards slow themselves down at 80 to 85 °C (Raspberry Pi: soft limit 80 °C from firmware, hard limit 85 °C). */
const [WARM, HOT] = [75, 85];

export const temperature = check({
  name: 'temperature',
  title: 'temperature of the processor',
  faults: {
    warm: {
      severity: 'warning',
      when: '75 °C or more: a warmer day will slow the box down',
      remedy: 'shade the cabinet, clean its filter, or ask for fewer frames: `cameras[].rate`',
    },
    hot: {
      severity: 'failure',
      when: '85 °C or more: the processor slows itself down',
      remedy: 'cool it now: fan, heat sink, shade; until then lower `cameras[].rate`',
    },
  },
  async run({ root }, { ok, skipped, fault }) {
    const celsius = await temperatureCelsius(join(root, 'sys/class/thermal'));
    if (celsius === null) return skipped('no sensor');
    const seen = `${celsius.toFixed(0)} °C`;
    if (celsius >= HOT) fault('hot', seen);
    else if (celsius >= WARM) fault('warm', seen);
    else ok(seen);
  },
});

const FIRMWARE = 'sys/devices/platform/soc/soc:firmware/get_throttled';
/** `vcgencmd get_throttled`: what is so now; the same bits from 16 on: what has been so since the start. */
const UNDER_VOLTAGE = 0x1;
const SLOWED = 0xe;

export const throttling = check({
  name: 'throttling',
  title: 'board slowed down by itself',
  faults: {
    'under-voltage': {
      severity: 'failure',
      when: 'the supply voltage is too low now, or has been since the start',
      remedy:
        'another power supply, a shorter or thicker cable; then `vcgencmd get_throttled` says 0x0 after a restart',
    },
    slowed: {
      severity: 'failure',
      when: 'the board runs slower now because it is too warm or short of power',
      remedy: 'cool it: fan, heat sink, shade; until then lower `cameras[].rate`',
    },
    'slowed-before': {
      severity: 'warning',
      when: 'the board has run slower since the start',
      remedy: 'see when it was warm: `temperatureCelsius` in the telemetry; cool it before summer',
    },
  },
  async run(box, { ok, skipped, fault }) {
    const firmware = await systemText(box, FIRMWARE);
    const asked =
      firmware ?? (existsSync(join(box.root, 'dev/vcio')) ? await answerOf(box, 'vcgencmd', ['get_throttled']) : '');
    const digits = /^(?:throttled=)?(?:0x)?([0-9a-f]+)$/i.exec((asked ?? '').trim())?.[1];
    if (digits === undefined) return skipped('this board does not tell (a Raspberry Pi does)');
    const bits = Number.parseInt(digits, 16);
    const seen = `0x${bits.toString(16)}`;
    const before = bits >> 16;
    if (((bits | before) & UNDER_VOLTAGE) !== 0) fault('under-voltage', seen);
    if ((bits & SLOWED) !== 0) fault('slowed', seen);
    else if ((before & SLOWED) !== 0) fault('slowed-before', seen);
    else if (bits === 0) ok('never since the start');
  },
});
