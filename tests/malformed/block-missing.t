# a block of events taken out whole
$ kymo info $MALFORMED/block-missing.kymo
$ kymo verify $MALFORMED/block-missing.kymo
$ kymo dump $MALFORMED/block-missing.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/block-missing.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
