/** `shared-data` is the folder of test data; the others are programs on the PATH. */
export type Need = 'shared-data' | 'ffmpeg' | 'mosquitto' | 'python3' | 'debootstrap' | 'systemd-nspawn';
