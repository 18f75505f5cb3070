# Standard output that takes nothing, and one that goes away.
$ kymo-record --source synthetic:events=200000 -q -o - >/dev/full; echo "status $?"
$ kymo-record --source synthetic:events=200000 -q -o - | head -c 100 >/dev/null; echo "status ${PIPESTATUS[0]}"
