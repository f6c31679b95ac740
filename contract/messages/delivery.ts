/** MQTT 5 message expiry; `intervals` counts telemetry intervals. */
type Expiry = { readonly seconds: number } | { readonly intervals: number };

/**
 * How a message is delivered.
 *
 * - `retained`: the broker holds the present; made anew at every connection, removed by an empty message
 * - `latest`: worthless later: sent so that it arrives before its expiry, or dropped and counted
 * - `journalled`: kept by the box until the broker has confirmed it, over connections and restarts
 */
export type Delivery =
  | { readonly kind: 'retained' }
  | { readonly kind: 'latest'; readonly expiry: Expiry }
  | { readonly kind: 'journalled'; readonly expiry: Expiry };

/** What a delivery is on the wire: QoS 0 for what is not worth repeating (MQTT 5, 4.3). */
export const ON_WIRE = {
  retained: { qos: 1, retain: true },
  latest: { qos: 0, retain: false },
  journalled: { qos: 1, retain: false },
} as const satisfies Record<Delivery['kind'], { readonly qos: 0 | 1; readonly retain: boolean }>;

/** Seconds until a message of this delivery is worthless. */
export function expirySecondsOf({ expiry }: Exclude<Delivery, { kind: 'retained' }>, telemetrySeconds: number): number {
  return 'seconds' in expiry ? expiry.seconds : expiry.intervals * telemetrySeconds;
}
