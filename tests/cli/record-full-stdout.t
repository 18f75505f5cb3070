# Standard output that takes nothing, and one that goes away.
$ kymo-record --source synthetic:events=200000 -q -o - >/dev/full; echo "status $?"
> status 1
2> kymo-record: output '-': write at byte 0: No space left on device; make room, or record to another disk
$ kymo-record --source synthetic:events=200000 -q -o - | head -c 100 >/dev/null; echo "status ${PIPESTATUS[0]}"
> status 1
2> kymo-record: output (closed by its reader|'-': write at byte [0-9]+: Broken pipe) (re)
