# nothing in it
$ kymo info $MALFORMED/empty-file.kymo
$ kymo verify $MALFORMED/empty-file.kymo
$ kymo dump $MALFORMED/empty-file.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/empty-file.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
