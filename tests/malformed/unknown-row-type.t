# rows of a type the schema does not know
$ kymo info $MALFORMED/unknown-row-type.kymo
$ kymo verify $MALFORMED/unknown-row-type.kymo
$ kymo dump $MALFORMED/unknown-row-type.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/unknown-row-type.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
