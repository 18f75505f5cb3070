# a block type of a newer version that matters
$ kymo info $MALFORMED/unknown-block.kymo
$ kymo verify $MALFORMED/unknown-block.kymo
$ kymo dump $MALFORMED/unknown-block.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/unknown-block.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
