# a column that ends behind its section
$ kymo info $MALFORMED/column-past-section.kymo
$ kymo verify $MALFORMED/column-past-section.kymo
$ kymo dump $MALFORMED/column-past-section.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/column-past-section.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
