# 31 MiB of zeros in a few kilobytes
$ kymo info $MALFORMED/bomb.kymo
$ kymo verify $MALFORMED/bomb.kymo
$ kymo dump $MALFORMED/bomb.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/bomb.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
