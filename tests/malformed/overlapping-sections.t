# sections that claim the same bytes: many rows from few
$ kymo info $MALFORMED/overlapping-sections.kymo
$ kymo verify $MALFORMED/overlapping-sections.kymo
$ kymo dump $MALFORMED/overlapping-sections.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/overlapping-sections.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
