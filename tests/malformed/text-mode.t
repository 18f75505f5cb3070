# every LF became CR LF in transfer
$ kymo info $MALFORMED/text-mode.kymo
$ kymo verify $MALFORMED/text-mode.kymo
$ kymo dump $MALFORMED/text-mode.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/text-mode.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
