# A directory that may not be written to, and one whose disk is full: said plainly, nothing half-written.
#! requires root tmpfs unprivileged
$ mkdir shut; chmod 755 shut; cp "$KYMO_BIN/kymo-record" .; $AS_NOBODY ./kymo-record --source synthetic:events=10 -q -o shut/out.kymo; echo "status $?"; ls shut
$ mkdir small; unshare -m bash -c 'mount -t tmpfs -o size=256k none small && kymo-record --source synthetic:events=2000000 -q -o small/out.kymo; echo "status $?"; cp small/out.kymo full.kymo; ls small'
$ zstd -t -q full.kymo 2>/dev/null || echo 'cut inside a block'
$ kymo info --json full.kymo >info.json; echo "status $?"; jq '.events_stored > 0' info.json
