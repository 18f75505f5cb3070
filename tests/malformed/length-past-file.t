# a sound header that claims more than the file has
$ kymo info $MALFORMED/length-past-file.kymo
$ kymo verify $MALFORMED/length-past-file.kymo
$ kymo dump $MALFORMED/length-past-file.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/length-past-file.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
