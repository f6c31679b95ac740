#!/bin/sh
# With the Node that this package brings: Debian's own is too old, or goes away with an upgrade of Debian.
exec /usr/lib/wayside/bin/node /usr/lib/wayside/bin/wayside.js "$@"
