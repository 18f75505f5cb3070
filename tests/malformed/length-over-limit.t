# a sound header that claims 4 GiB
$ kymo info $MALFORMED/length-over-limit.kymo
$ kymo verify $MALFORMED/length-over-limit.kymo
$ kymo dump $MALFORMED/length-over-limit.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/length-over-limit.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
