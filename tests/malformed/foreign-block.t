# a block of another file among ours
$ kymo info $MALFORMED/foreign-block.kymo
$ kymo verify $MALFORMED/foreign-block.kymo
$ kymo dump $MALFORMED/foreign-block.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/foreign-block.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
