# one bit in the payload of a block of events
$ kymo info $MALFORMED/chunk-bit.kymo
$ kymo verify $MALFORMED/chunk-bit.kymo
$ kymo dump $MALFORMED/chunk-bit.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/chunk-bit.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
