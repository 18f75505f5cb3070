# not damage: one capture after the other
$ kymo info $MALFORMED/two-captures.kymo
$ kymo verify $MALFORMED/two-captures.kymo
$ kymo dump $MALFORMED/two-captures.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/two-captures.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
