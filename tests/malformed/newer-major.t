# format version 2.0
$ kymo info $MALFORMED/newer-major.kymo
$ kymo verify $MALFORMED/newer-major.kymo
$ kymo dump $MALFORMED/newer-major.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/newer-major.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
