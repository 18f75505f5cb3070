# a section that ends behind the body
$ kymo info $MALFORMED/section-past-end.kymo
$ kymo verify $MALFORMED/section-past-end.kymo
$ kymo dump $MALFORMED/section-past-end.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/section-past-end.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
