# a column in an encoding of a newer version
$ kymo info $MALFORMED/unknown-encoding.kymo
$ kymo verify $MALFORMED/unknown-encoding.kymo
$ kymo dump $MALFORMED/unknown-encoding.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/unknown-encoding.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
