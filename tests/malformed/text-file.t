# a text file
$ kymo info $MALFORMED/text-file.kymo
$ kymo verify $MALFORMED/text-file.kymo
$ kymo dump $MALFORMED/text-file.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/text-file.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
