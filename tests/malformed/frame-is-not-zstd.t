# checksums right, the frame's magic wrong
$ kymo info $MALFORMED/frame-is-not-zstd.kymo
$ kymo verify $MALFORMED/frame-is-not-zstd.kymo
$ kymo dump $MALFORMED/frame-is-not-zstd.kymo | sort | uniq -c | sort -rn | head -3
$ kymo import $MALFORMED/frame-is-not-zstd.kymo -o $TMP/out.db; echo "status $?"; ls $TMP
