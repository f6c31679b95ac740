/**
 * Imported before mqtt.js, for what it does. mqtt-packet 9 keeps the bytes of every packet length below 16,384 that was ever sent, as a
 * Buffer of four bytes from the pool that all small Buffers are cut from. Each keeps 8 KB of that pool alive: a box whose messages are now
 * this and now that long held 1.8 MB of it after a quarter of an hour, and gained 5 MB an hour. Here they are cut from memory of their own.
 */
import { createRequire } from 'node:module';

interface Numbers {
  genBufVariableByteInt: (value: number) => Buffer;
}

/** For a thousand lengths. */
const SLAB_BYTES = 4096;
/** 5 bits more would not be a length (MQTT 5, 1.5.5). */
const MOST_BYTES = 4;

let slab = Buffer.alloc(0);
let used = 0;

/** Seven bits a byte, lowest first. */
function lengthBytes(value: number): Buffer {
  if (used + MOST_BYTES > slab.length) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  const from = used;
  let rest = value;
  for (; rest > 127 && used - from < MOST_BYTES - 1; rest = Math.floor(rest / 128)) slab[used++] = (rest % 128) | 128;
  slab[used++] = rest;
  return slab.subarray(from, used);
}

const fromMqtt = createRequire(createRequire(import.meta.url).resolve('mqtt'));
const numbers = fromMqtt('mqtt-packet/numbers') as Numbers;
numbers.genBufVariableByteInt = lengthBytes;
