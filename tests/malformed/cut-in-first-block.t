# ends after 40 bytes
$ kymo info $MALFORMED/cut-in-first-block.kymo
$ kymo verify $MALFORMED/cut-in-first-block.kymo
$ kymo dump $MALFORMED/cut-in-first-block.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/cut-in-first-block.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
