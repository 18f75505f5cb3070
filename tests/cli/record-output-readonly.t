# A directory that may not be written to, and one whose disk is full: said plainly; what was written is readable.
#! requires root tmpfs unprivileged
$ mkdir shut; chmod 755 shut; cp "$KYMO_BIN/kymo-record" .; $AS_NOBODY ./kymo-record --source synthetic:events=10 -q -o shut/out.kymo; echo "status $?"; ls shut
> status 1
2> kymo-record: output 'shut/out.kymo': cannot write to its directory: Permission denied
$ mkdir small; unshare -m bash -c 'mount -t tmpfs -o size=3m none small && kymo-record --source synthetic:events=4000000 -q -o small/out.kymo; echo "status $?"; cp small/out.kymo full.kymo; ls small'
> status 1
> out.kymo
2> kymo-record: warning: output 'small/out.kymo': ended early: its disk is nearly full (1.50 MiB must stay free); make room, or record to another disk
2> ...
$ zstd -t -q full.kymo 2>/dev/null && echo 'ends with a whole block'
> ends with a whole block
# Whether events were lost depends on how much was on its way when the floor came near.
$ kymo info --json full.kymo 2>/dev/null >info.json; [ $? = 0 -o $? = 3 ] && jq -r '.events_stored > 0, .end_reason, .complete' info.json
> true
> no_space
> true
