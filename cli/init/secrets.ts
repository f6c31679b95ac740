import { readSecret } from '../../core/config/secrets.ts';
import type { Draft } from './answers.ts';

/** Passwords by what they are for: `mqtt`, `agent`, `camera-<id>`. Kept apart from the answers, so that nothing that prints those has them. */
export class Secrets {
  readonly #values = new Map<string, string>();

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }
}

export const cameraSecret = (id: string): string => `camera-${id}`;

/** Reads the files that answers name. @throws {WaysideError} SECRET_UNREADABLE */
export async function readSecretsOf({ broker, agent, cameras = [] }: Draft, secrets: Secrets): Promise<void> {
  const read = async (name: string, where: string, passwordFile: string | undefined): Promise<void> => {
    if (passwordFile === undefined) return;
    const value = await readSecret({ passwordFile }, where, '/', {});
    if (value !== undefined) secrets.set(name, value);
  };
  await read('mqtt', 'broker', broker?.passwordFile);
  await read('agent', 'agent', agent?.passwordFile);
  for (const [index, { id, passwordFile }] of cameras.entries())
    await read(cameraSecret(id), `cameras[${index}]`, passwordFile);
}
