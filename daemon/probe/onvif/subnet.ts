import { BlockList, isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/** A network that this machine is part of, and its own address there. */
export interface LocalNetwork {
  readonly address: string;
  /** `192.0.2.5/24` */
  readonly cidr: string;
}

/** IPv4 alone: cameras are asked where they answer multicast, which few do over IPv6. */
export const localNetworks = (interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces()): LocalNetwork[] =>
  Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .flatMap(({ family, internal, address, cidr }) =>
      family === 'IPv4' && !internal && cidr !== null ? [{ address, cidr }] : [],
    );

/** @returns whether an address lies in one of the networks; a name is in none */
export function liesWithin(host: string, networks: readonly LocalNetwork[]): boolean {
  if (isIP(host) !== 4) return false;
  const list = new BlockList();
  for (const { cidr } of networks) {
    const [address = '', bits] = cidr.split('/');
    list.addSubnet(address, Number(bits), 'ipv4');
  }
  return list.check(host, 'ipv4');
}
