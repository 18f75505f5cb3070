# an incompatible feature bit that 1.0 does not know
$ kymo info $MALFORMED/newer-feature.kymo
$ kymo verify $MALFORMED/newer-feature.kymo
$ kymo dump $MALFORMED/newer-feature.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/newer-feature.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
