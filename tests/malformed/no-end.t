# all blocks whole, no END: the recorder was killed
$ kymo info $MALFORMED/no-end.kymo
$ kymo verify $MALFORMED/no-end.kymo
$ kymo dump $MALFORMED/no-end.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/no-end.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
