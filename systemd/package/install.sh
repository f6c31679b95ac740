#!/bin/sh
# Installs Wayside on a box without apt, from the archive that lies beside this file; the same again changes nothing.
set -eu

usage() {
  cat <<'END'
usage: install.sh [--prefix DIR] [--sha256 HEX] [--no-start] wayside_VERSION_ARCH.tar.xz
       install.sh --uninstall [--purge] [--prefix DIR]

  --prefix DIR   where it goes: DIR/bin, DIR/lib, DIR/share (default: /usr/local)
  --sha256 HEX   digest of the archive (default: what the file ARCHIVE.sha256 says)
  --no-start     neither enable nor start the services
  --uninstall    take everything away again but configuration, secrets, models and journal
  --purge        these too; the users stay
END
}
fail() {
  echo "install.sh: $*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
with_systemd() { [ -d /run/systemd/system ] && have systemctl; }

prefix=/usr/local sha256='' archive='' start=yes uninstall='' purge=''
while [ $# -gt 0 ]; do
  case "$1" in
    --prefix | --sha256)
      [ $# -gt 1 ] || fail "$1 wants a value"
      if [ "$1" = --prefix ]; then prefix=$2; else sha256=$2; fi
      shift
      ;;
    --no-start) start='' ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 64 ;;
    *)
      [ -z "$archive" ] || fail 'expected one archive'
      archive=$1
      ;;
  esac
  shift
done
case "$prefix" in
  *[!A-Za-z0-9/._+-]*) fail "--prefix: expected a plain path, got $prefix" ;;
  /home* | /root* | /tmp* | /var/tmp* | /run*) fail "--prefix: the services do not see $prefix" ;;
  /?*) prefix=${prefix%/} ;;
  *) fail "--prefix: expected an absolute path, got $prefix" ;;
esac
[ "$(id -u)" = 0 ] || fail 'it installs services and users: run it as root'

home=$prefix/lib/wayside
list=$home/installed-files
units='@UNITS@'
# systemd looks into these two of themselves.
case "$prefix" in
  /usr | /usr/local) unit_folder=$prefix/lib/systemd/system ;;
  *) unit_folder=/etc/systemd/system ;;
esac

if [ -n "$uninstall" ]; then
  if with_systemd; then
    for unit in $units; do
      systemctl disable --now "$unit" >/dev/null 2>&1 || true
    done
  fi
  if [ -f "$list" ]; then
    while IFS= read -r path; do rm -f "$path"; done <"$list"
  fi
  rm -rf "$home" "$home.before" "$prefix/share/wayside" "$prefix/share/doc/wayside"
  if with_systemd; then systemctl daemon-reload; fi
  [ -z "$purge" ] || rm -rf /etc/wayside /var/lib/wayside /var/lib/wayside-models
  echo 'Wayside is uninstalled'
  exit 0
fi

[ -n "$archive" ] || { usage >&2 && exit 64; }
[ -f "$archive" ] || fail "there is no $archive"
if have dpkg-query && dpkg-query --show --showformat='${Status}' wayside 2>/dev/null | grep -q ' installed$'; then
  fail 'Wayside is installed as a Debian package: apt remove wayside first, which keeps configuration and models'
fi
if [ -z "$sha256" ]; then
  [ -f "$archive.sha256" ] || fail "there is no $archive.sha256: name its digest by --sha256"
  sha256=$(cut -c1-64 "$archive.sha256")
fi
found=$(sha256sum "$archive" | cut -c1-64)
[ "$found" = "$sha256" ] || fail "$archive: expected the digest $sha256, found $found: fetch it again"

# Unpacked beside its place, so that it is moved there and never half there.
mkdir -p "$prefix/lib"
temporary=$(mktemp -d "$prefix/lib/.wayside-XXXXXX")
trap 'rm -rf "$temporary"' EXIT
trap 'exit 1' HUP INT TERM
tar -xJf "$archive" -C "$temporary" || fail "$archive could not be unpacked (is xz installed? is the disk full?)"
new=$(echo "$temporary"/wayside-*)
(cd "$new" && sha256sum -c SHA256SUMS >/dev/null) || fail "$archive: its files are not what it lists"
# Another processor or an older libc is found out here, while the old version still runs.
version=$("$new/lib/wayside/bin/node" "$new/lib/wayside/bin/wayside.js" --version) ||
  fail 'its programs do not run here: is the archive for this processor, and the libc glibc 2.28 or newer?'
if [ "$prefix" != /usr ]; then
  for text in "$new"/bin/wayside "$new"/lib/systemd/system/* "$new"/lib/tmpfiles.d/*; do
    sed -i -e "s#/usr/bin/#$prefix/bin/#g" -e "s#/usr/lib/#$prefix/lib/#g" -e "s#/usr/share/#$prefix/share/#g" "$text"
  done
fi

# Everything outside of lib/wayside, then that folder in one step, then what only the version before had.
(cd "$new" && find . \( -type f -o -type l \) ! -path './lib/wayside/*' ! -name SHA256SUMS | cut -c3-) >"$temporary/paths"
while IFS= read -r path; do
  case "$path" in
    lib/systemd/system/*) target=$unit_folder/${path##*/} ;;
    *) target=$prefix/$path ;;
  esac
  mkdir -p "$(dirname "$target")"
  # Renamed over the old one: a program that runs keeps its own.
  cp -p "$new/$path" "$target.new"
  chown root:root "$target.new"
  mv -f "$target.new" "$target"
  echo "$target"
done <"$temporary/paths" >"$new/lib/wayside/installed-files"
chown -R root:root "$new/lib/wayside"
old=$home.before
first=yes
# Between the two renames of an earlier run the power went.
if [ ! -d "$home" ] && [ -d "$old" ]; then mv "$old" "$home"; fi
if [ -d "$home" ]; then
  first=''
  rm -rf "$old"
  mv "$home" "$old"
fi
mv "$new/lib/wayside" "$home"
if [ -f "$old/installed-files" ]; then
  while IFS= read -r path; do
    grep -qxF "$path" "$list" || rm -f "$path"
  done <"$old/installed-files"
fi
rm -rf "$old"

add_user() { # name, home, description
  id "$1" >/dev/null 2>&1 && return
  if have useradd; then
    useradd --system --user-group --home-dir "$2" --no-create-home --shell /usr/sbin/nologin --comment "$3" "$1"
  else
    adduser -S -D -H -h "$2" -s /sbin/nologin -g "$3" "$1" # BusyBox
  fi
}
if have systemd-sysusers; then
  systemd-sysusers "$prefix/lib/sysusers.d/wayside.conf"
else
  add_user wayside /var/lib/wayside 'Wayside daemon'
  add_user wayside-agent /var/lib/wayside-models 'Wayside update agent'
fi
if ! have systemd-tmpfiles || ! systemd-tmpfiles --create "$prefix/lib/tmpfiles.d/wayside.conf"; then
  folder() { # mode, owner, group, path
    mkdir -p "$4" && chown "$2:$3" "$4" && chmod "$1" "$4"
  }
  folder 0750 root wayside /etc/wayside
  folder 0700 root root /etc/wayside/secrets
  folder 0700 root root /etc/wayside/agent-secrets
  folder 0750 wayside wayside /var/lib/wayside
  folder 2750 wayside-agent wayside /var/lib/wayside-models
fi
# The model that comes with it lies below the prefix, which may be another one than before.
ln -sfn "$prefix/share/wayside/factory" /var/lib/wayside-models/factory

if with_systemd; then
  systemctl daemon-reload
  if [ -n "$start" ]; then
    for unit in $units; do
      # What an administrator disabled stays disabled.
      [ -z "$first" ] || systemctl enable "$unit" >/dev/null 2>&1
      if [ -n "$first" ]; then systemctl start "$unit"; else systemctl try-restart "$unit"; fi ||
        echo "install.sh: $unit did not start: systemctl status $unit" >&2
    done
  fi
fi
echo "Wayside $version is installed in $prefix"
