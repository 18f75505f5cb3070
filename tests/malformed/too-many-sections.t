# a body that claims 4294967295 sections
$ kymo info $MALFORMED/too-many-sections.kymo
$ kymo verify $MALFORMED/too-many-sections.kymo
$ kymo dump $MALFORMED/too-many-sections.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/too-many-sections.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
