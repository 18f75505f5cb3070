# one that may be skipped
$ kymo info $MALFORMED/unknown-skippable-block.kymo
$ kymo verify $MALFORMED/unknown-skippable-block.kymo
$ kymo dump $MALFORMED/unknown-skippable-block.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/unknown-skippable-block.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
