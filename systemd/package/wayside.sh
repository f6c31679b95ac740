#!/bin/sh
# With the Node that this package brings: Debian's own is too old, or goes away with an upgrade of Debian. Its option: see daemon/heap.ts.
exec /usr/lib/wayside/bin/node --max-semi-space-size=1 /usr/lib/wayside/bin/wayside.js "$@"
