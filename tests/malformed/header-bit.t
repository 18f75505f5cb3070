# one bit in a block header
$ kymo info $MALFORMED/header-bit.kymo
$ kymo verify $MALFORMED/header-bit.kymo
$ kymo dump $MALFORMED/header-bit.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/header-bit.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
