# ends inside a block of events, as after a full disk
$ kymo info $MALFORMED/cut-in-chunk.kymo
$ kymo verify $MALFORMED/cut-in-chunk.kymo
$ kymo dump $MALFORMED/cut-in-chunk.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/cut-in-chunk.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
