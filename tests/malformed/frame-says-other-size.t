# the header's decoded length is not the frame's
$ kymo info $MALFORMED/frame-says-other-size.kymo
$ kymo verify $MALFORMED/frame-says-other-size.kymo
$ kymo dump $MALFORMED/frame-says-other-size.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/frame-says-other-size.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
