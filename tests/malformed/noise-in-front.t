# a line of text before the first block
$ kymo info $MALFORMED/noise-in-front.kymo
$ kymo verify $MALFORMED/noise-in-front.kymo
$ kymo dump $MALFORMED/noise-in-front.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/noise-in-front.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
