# a million rows in four bytes
$ kymo info $MALFORMED/rows-without-bytes.kymo
$ kymo verify $MALFORMED/rows-without-bytes.kymo
$ kymo dump $MALFORMED/rows-without-bytes.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/rows-without-bytes.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
