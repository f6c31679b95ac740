import { z } from 'zod';
import { address, hasOnePassword, integerWithin, onePassword, path, secret } from '../../core/config/fields.ts';
import { readPem, readSecret } from '../../core/config/secrets.ts';
import type { BrokerOptions } from './attempt.ts';

/** How a program of a box reaches its broker. */
export const mqttSchema = z
  .strictObject({
    url: address(['mqtt', 'mqtts']),
    ...secret,
    clientId: z.string().min(1).max(128).optional(),
    keepaliveSeconds: integerWithin(5, 3600).default(30),
    /** PEM files; with `mqtts` the broker's certificate is always checked, against `ca` or the system's. */
    ca: path.optional(),
    cert: path.optional(),
    key: path.optional(),
  })
  .refine(hasOnePassword, onePassword)
  .refine((value) => (value.cert === undefined) === (value.key === undefined), {
    error: '`cert` and `key` together or neither',
  })
  .refine((value) => value.ca === undefined || value.url.startsWith('mqtts:'), {
    error: 'an `mqtts://` address beside `ca`',
  })
  .refine((value) => value.cert === undefined || value.url.startsWith('mqtts:'), {
    error: 'an `mqtts://` address beside `cert` and `key`',
  });
type MqttSettings = z.infer<typeof mqttSchema>;

export interface MqttSecrets {
  readonly password: string | undefined;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/** @throws {WaysideError} SECRET_UNREADABLE */
export async function readMqttSecrets(
  mqtt: MqttSettings,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<MqttSecrets> {
  const pem = (name: 'ca' | 'cert' | 'key'): Promise<Buffer | undefined> => readPem(mqtt[name], `mqtt.${name}`, folder);
  return {
    ca: await pem('ca'),
    cert: await pem('cert'),
    key: await pem('key'),
    password: await readSecret(mqtt, 'mqtt', folder, environment),
  };
}

/** @param clientId where the configuration names none */
export const brokerOptions = (mqtt: MqttSettings, secrets: MqttSecrets, clientId: string): BrokerOptions => ({
  url: mqtt.url,
  clientId: mqtt.clientId ?? clientId,
  keepaliveSeconds: mqtt.keepaliveSeconds,
  username: mqtt.username,
  ...secrets,
});
