# a string number past the string table
$ kymo info $MALFORMED/reference-past-table.kymo
$ kymo verify $MALFORMED/reference-past-table.kymo
$ kymo dump $MALFORMED/reference-past-table.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/reference-past-table.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
