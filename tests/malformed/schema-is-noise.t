# the schema's checksum is right, its content is not a schema
$ kymo info $MALFORMED/schema-is-noise.kymo
$ kymo verify $MALFORMED/schema-is-noise.kymo
$ kymo dump $MALFORMED/schema-is-noise.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/schema-is-noise.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
