# format version 1.9: to be read
$ kymo info $MALFORMED/newer-minor.kymo
$ kymo verify $MALFORMED/newer-minor.kymo
$ kymo dump $MALFORMED/newer-minor.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/newer-minor.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
