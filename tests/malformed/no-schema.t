# the schema and its replica taken out
$ kymo info $MALFORMED/no-schema.kymo
$ kymo verify $MALFORMED/no-schema.kymo
$ kymo dump $MALFORMED/no-schema.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/no-schema.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
